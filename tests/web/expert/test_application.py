"""An expert's way in, page by page: joining, the task list, what is wrong beside its field, the queue, the photograph."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from PIL import Image

from marketplace.domain.events import AddressKnownAlready, LinkAsked
from marketplace.domain.policy import Actor
from marketplace.services import experts, moderation, people
from marketplace.services.moderation.waiting import place_in_queue
from marketplace.storage.db import Database
from marketplace.storage.experts import Expert
from marketplace.storage.people import Person
from tests import factories as make
from tests.services.test_experts import GOOD, draft, expert_of, of, person_of, whole
from tests.web.conftest import form_token, send

Browser = Callable[[Any], FlaskClient]
SCRIPT = '"><script>alert(1)</script>'


@pytest.fixture
def lou(db: Database) -> Actor:
    """Somebody who has just begun."""
    person = make.person(db, name="Lou Ferrand")
    experts.become_expert(db, Actor(person.id))
    return of(db, person.id)


def application(db: Database, **fields: Any) -> Actor:
    return whole(db, **fields)


def form_of(page: str, **more: Any) -> dict[str, Any]:
    names = {"identity": ("legal_name", "street", "postcode", "city", "country", "registration", "vat_status",
                          "vat_number", "vat_ground"),
             "profile": ("headline", "startup", "startup_role", "languages", "language", "bio", "website",
                         "meeting_link")}  # fmt: skip
    return {name: GOOD[name] for name in names[page]} | more


def test_anybody_reads_what_it_is_about_and_signs_up(
    client: FlaskClient, db: Database, announced: list[Any]
) -> None:
    page = client.get("/en/expert/join").text
    assert "You have solved it once" in page
    bad = send(client, "/en/expert/join", {"email": "no address", "name": ""})
    assert bad.status_code == 422
    assert "no address" in bad.text
    answer = send(client, "/en/expert/join", {"email": "Lou@Gmail.com", "name": "Lou Ferrand", "terms": "y"})
    assert (answer.status_code, answer.location) == (303, "/en/check-mail")
    with db.reading() as session:
        person = session.scalars(sa.select(Person).where(Person.email == "lou@gmail.com")).one()
    assert announced == [LinkAsked(person.id, "verify")]
    # A known address looks the same: the same place, the same bytes.
    make.person(db, email="known@gmail.com")
    known = send(client, "/en/expert/join", {"email": "known@gmail.com", "name": "X", "terms": "y"})
    assert (known.status_code, known.location, known.data) == (303, "/en/check-mail", answer.data)
    assert isinstance(announced[-1], AddressKnownAlready)


def test_the_mailed_link_leads_an_applicant_to_their_list(
    client: FlaskClient, db: Database, announced: list[Any]
) -> None:
    send(client, "/en/expert/join", {"email": "lou@gmail.com", "name": "Lou Ferrand", "terms": "y"})
    with db.transaction() as tx:
        token = people.new_link(tx, announced[0].person_id, "verify")
    answer = send(client, f"/en/verify/{token}", {"password": "trombone vert lune 42"})
    assert answer.location == "/en/expert/application"
    page = client.get("/en/expert/application").text
    assert "Your application" in page
    for state in ("Not started", "Cannot start yet", "Done"):
        assert state in page


def test_a_lead_begins_beside_their_account(browser: Browser, db: Database) -> None:
    lead = make.lead(db)
    here = browser(lead.person)
    assert "Beside what you do here already" in here.get("/en/expert/join").text
    assert send(here, "/en/expert/become").location == "/en/expert/application"
    assert "Application" in here.get("/en/bookings").text
    assert here.get("/en/expert/application").status_code == 200
    assert "You have begun" in here.get("/en/expert/join").text


def test_what_is_wrong_stands_beside_its_field_and_is_kept(
    browser: Browser, db: Database, lou: Actor
) -> None:
    here = browser(person_of(lou))
    typed = form_of("identity", vat_number="FR 40 3032", registration="123", legal_name=SCRIPT)
    answer = send(here, "/en/expert/identity", typed)
    assert answer.status_code == 422
    assert "characters are missing" in answer.text
    assert "not a company number of France" in answer.text
    assert 'value="FR 40 3032"' in answer.text
    assert "<script>alert" not in answer.text
    assert "data-error-summary" in answer.text
    content = draft(db, lou).content
    assert (content["vat_number"], content["legal_name"]) == ("FR 40 3032", SCRIPT)
    # Coming back later: what is half right is still said, what is not answered yet is no mistake.
    again = here.get("/en/expert/identity")
    assert again.status_code == 200
    assert "characters are missing" in again.text
    assert "still missing" not in here.get("/en/expert/profile").text
    assert send(here, "/en/expert/identity", typed | {"later": "1"}).status_code == 303


def test_a_whole_page_leads_back_to_the_list(browser: Browser, db: Database, lou: Actor) -> None:
    here = browser(person_of(lou))
    for page in ("identity", "profile"):
        answer = send(here, f"/en/expert/{page}", form_of(page))
        assert (answer.status_code, answer.location) == (303, "/en/expert/application"), answer.text
    assert experts.problems(draft(db, lou).content) == {}


def test_it_is_saved_as_one_writes_and_never_over_another_window(
    browser: Browser, db: Database, lou: Actor
) -> None:
    here, token = browser(person_of(lou)), None
    token = form_token(here)
    revision = draft(db, lou).revision
    sent = {"csrf_token": token, "headline": "Half a li", "revision": revision}
    quiet = {"X-Autosave": "1"}
    answer = here.post("/en/expert/profile", data=sent, headers=quiet)
    assert answer.get_json()["revision"] == revision + 1
    late = here.post("/en/expert/profile", data=sent | {"headline": "Other"}, headers=quiet)
    assert late.status_code == 422
    assert "Another window" in late.get_json()["error"]
    plain = here.post("/en/expert/profile", data=sent | {"headline": "Other"})
    assert plain.status_code == 422
    assert 'value="Other"' in plain.text
    assert draft(db, lou).content["headline"] == "Half a li"


def test_a_text_past_its_limit_is_refused_with_what_was_typed(browser: Browser, lou: Actor) -> None:
    here = browser(person_of(lou))
    answer = send(here, "/en/expert/profile", form_of("profile", headline="h" * 101))
    assert answer.status_code == 422
    assert "h" * 101 in answer.text


def test_the_charter_is_accepted_once(browser: Browser, lou: Actor) -> None:
    here = browser(person_of(lou))
    assert send(here, "/en/expert/charter").status_code == 422
    assert send(here, "/en/expert/charter", {"accepted": "1"}).status_code == 303
    assert "You have accepted it" in here.get("/en/expert/charter").text


def test_submitting_says_what_is_not_ready(browser: Browser, lou: Actor) -> None:
    answer = send(browser(person_of(lou)), "/en/expert/application/submit")
    assert answer.status_code == 422
    assert "Not everything is ready yet" in answer.text


def test_the_queue_is_seen_and_the_application_taken_back(browser: Browser, db: Database) -> None:
    actor = application(db)
    here = browser(person_of(actor))
    assert send(here, "/en/expert/application/submit").status_code == 303
    page = here.get("/en/expert/application").text
    assert "Your application is with the operators" in page
    assert "You are the next one in their queue" in page
    with db.reading() as session:
        assert place_in_queue(session, expert_of(actor)) is not None
    closed = here.get("/en/expert/profile").text
    assert "take it back to change it" in closed
    assert send(here, "/en/expert/identity", form_of("identity")).status_code == 422
    assert send(here, "/en/expert/application/withdraw").status_code == 303
    assert "Submit the application" in here.get("/en/expert/application").text
    assert send(here, "/en/expert/application/withdraw").status_code == 409


def test_reasons_stand_next_to_their_fields(browser: Browser, db: Database) -> None:
    actor = application(db)
    here = browser(person_of(actor))
    send(here, "/en/expert/application/submit")
    with db.transaction() as tx:
        experts.ask_profile_changes(tx, expert_of(actor), {"headline": f"Name it. {SCRIPT}", "": "Nearly."})
    page = here.get("/en/expert/application").text
    assert "Changes asked" in page
    assert "Nearly." in page
    profile = here.get("/en/expert/profile").text
    assert "Name it." in profile
    assert "<script>alert" not in profile
    assert 'aria-describedby="headline-hint headline-asked headline-count"' in profile
    send(here, "/en/expert/profile", form_of("profile", headline="Getting heat meters in"))
    assert "Changed since" in here.get("/en/expert/profile").text


@pytest.mark.parametrize(
    ("decision", "said"),
    [
        ("changes", "The operators ask for changes"),
        ("refuse", "You are not admitted as things stand"),
        ("approve", ""),
    ],
)
def test_what_the_operators_decide_is_read_with_its_reasons(
    browser: Browser, db: Database, decision: str, said: str
) -> None:
    """From the queue to the author's pages: the reason for the whole, one at its field, and again to the queue."""
    actor = application(db)
    here = browser(person_of(actor))
    send(here, "/en/expert/application/submit")
    with db.reading() as session:
        waiting = place_in_queue(session, expert_of(actor))
    assert waiting is not None
    moderation.decide(
        db, make.operator(db), number=waiting.number, decision=decision, revision=draft(db, actor).revision,
        real_now=db.clock(), reason="Your story stays general.", notes={"bio": "Which machine, which month?"},
    )  # fmt: skip
    answer = here.get("/en/expert/application")
    if decision == "approve":
        assert answer.location == "/en/expert/profile"
        assert "This is public as it stands" in here.get("/en/expert/profile").text
        return
    assert said in answer.text
    assert "Your story stays general." in answer.text
    profile = here.get("/en/expert/profile").text
    assert "Which machine, which month?" in profile
    assert said in profile
    # Answering the field is enough to hand it in again.
    assert send(here, "/en/expert/application/submit").status_code == 422
    send(here, "/en/expert/profile", form_of("profile", bio=GOOD["bio"] + " The press of March 2019."))
    assert send(here, "/en/expert/application/submit").status_code == 303
    assert "is with the operators" in here.get("/en/expert/application").text


def test_the_admitted_change_their_profile_beside_what_is_public(browser: Browser, db: Database) -> None:
    seller = make.seller(db)
    here = browser(seller.person)
    assert here.get("/en/expert/application").location == "/en/expert/profile"
    assert send(here, "/en/expert/profile", form_of("profile", headline="New words")).status_code == 303
    page = here.get("/en/expert/profile").text
    assert "not public yet" in page
    assert "Headline" in page
    assert send(here, "/en/expert/profile/submit").status_code == 303
    assert "This is with the operators" in here.get("/en/expert/profile").text
    with db.reading() as session:
        assert session.get_one(Expert, seller.expert.id).headline == "h"
    assert send(here, "/en/expert/application/withdraw").location == "/en/expert/profile"


def test_nobody_else_has_an_application(browser: Browser, db: Database) -> None:
    stranger = browser(make.lead(db).person)
    for path in ("application", "identity", "profile", "account", "charter", "account/returned"):
        assert stranger.get(f"/en/expert/{path}").status_code == 404
    assert browser(None).get("/en/expert/application").location.startswith("/en/log-in")


def test_the_account_page_says_what_is_asked_in_words(browser: Browser, db: Database) -> None:
    seller = make.seller(db, account_status="restricted", account_asks=[
        "identity.individual.documents.primary_verification", "configuration.recipient.default_outbound_destination",
        "something.new",
    ])  # fmt: skip
    here = browser(seller.person)
    page = here.get("/en/expert/account").text
    assert "3 things are still asked" in page
    for words in (
        "an identity document",
        "the bank account to pay to",
        "what the provider calls “something.new”; its own page says it in full",
    ):
        assert words in page
    assert "configuration.recipient" not in page
    # Nobody answers at the provider here: said in words, nothing lost.
    assert send(here, "/en/expert/account/onboarding").status_code == 503
    for path in ("returned", "again"):
        assert here.get(f"/en/expert/account/{path}").location == "/en/expert/account"
    begun = browser(person_of(application(db)))
    assert "Open the account" in begun.get("/en/expert/account").text


def test_the_account_opens_once_name_and_country_are_given(browser: Browser, lou: Actor) -> None:
    here = browser(person_of(lou))
    assert "Opens once your legal name and country are given" in here.get("/en/expert/account").text
    assert send(here, "/en/expert/account/onboarding").location == "/en/expert/identity"


def picture(size: tuple[int, int] = (400, 400), kind: str = "JPEG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "steelblue").save(out, kind)
    return out.getvalue()


def upload(here: FlaskClient, content: bytes) -> Any:
    """As a browser sends it; written out, since the test client leaves its temporary files open."""
    parts = [
        f'--b\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n{form_token(here)}\r\n'.encode(),
        b'--b\r\nContent-Disposition: form-data; name="photo"; filename="../me.jpg"\r\n',
        b"Content-Type: image/jpeg\r\n\r\n" + content + b"\r\n--b--\r\n",
    ]
    return here.post(
        "/en/expert/profile/photo", data=b"".join(parts), content_type="multipart/form-data; boundary=b"
    )


def test_a_photograph_is_shown_to_its_owner_and_to_nobody_else(
    browser: Browser, db: Database, lou: Actor
) -> None:
    here = browser(person_of(lou))
    assert upload(here, picture()).status_code == 303
    address = f"/photos/{draft(db, lou).content['photo_id']}"
    assert address in here.get("/en/expert/profile").text
    answer = here.get(address)
    assert (answer.status_code, answer.mimetype) == (200, "image/webp")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    for other in (browser(None), browser(make.lead(db).person)):
        assert other.get(address).status_code == 404
    assert send(here, "/en/expert/profile/photo", {"remove": "1"}).status_code == 303
    assert draft(db, lou).content["photo_id"] == ""


def test_a_public_photograph_is_kept_by_browsers(browser: Browser, db: Database) -> None:
    seller = make.seller(db)
    here = browser(seller.person)
    upload(here, picture())
    photo_id = uuid.UUID(draft(db, seller.actor).content["photo_id"])
    with db.transaction() as tx:
        tx.session.get_one(Expert, seller.expert.id).photo_id = photo_id
    answer = browser(None).get(f"/photos/{photo_id}")
    assert answer.status_code == 200
    assert "immutable" in answer.headers["Cache-Control"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"I am no photograph", "not a photograph we can read"),
        (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "not a photograph we can read"),
        (picture()[:300], "not a photograph we can read"),
        (picture((100, 100)), "too small or too large"),
        (b"", "not a photograph we can read"),
        (picture() + b"\0" * (6 << 20), "at most 5 megabytes"),
    ],
)
def test_what_is_no_photograph_is_said_beside_the_field(
    browser: Browser, db: Database, lou: Actor, content: bytes, said: str
) -> None:
    here = browser(person_of(lou))
    send(here, "/en/expert/profile", {"headline": "Kept words", "later": "1"})
    answer = upload(here, content)
    assert answer.status_code == 422
    assert said in answer.text
    assert "Kept words" in answer.text
    assert draft(db, lou).content["photo_id"] == ""


def test_what_weighs_far_too_much_is_cut_off(browser: Browser, lou: Actor) -> None:
    here = browser(person_of(lou))
    answer = here.post(
        "/en/expert/profile/photo", data=b"x" * (13 << 20), content_type="multipart/form-data; boundary=b"
    )
    assert answer.status_code == 413
    assert "at most 5 megabytes" in answer.text
