"""The offer editor as a browser meets it: kept, refused by name with what was typed, submitted, previewed."""

from __future__ import annotations

import html
import uuid
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from marketplace.services.offers import draft_of, figures, new_offer, save_offer
from marketplace.services.offers.publishing import publish
from marketplace.storage.db import Database
from marketplace.storage.experts import Expert, ProfileDraft
from marketplace.storage.offers import Industry, Offer, OfferDraft, OfferVersion, Topic
from marketplace.storage.people import Person
from marketplace.web.expert.offer_form import OfferForm, price_of, price_text
from tests import factories as make
from tests.domain.test_offers import WHOLE
from tests.services.test_offer_drafts import begun, live, read, suspend
from tests.web.conftest import send

Browser = Callable[[Any], FlaskClient]

SCRIPT = "<script>alert('x')</script>"
# The form as a browser sends it for WHOLE.
TYPED: dict[str, Any] = {
    "title": WHOLE["title"], "problem": WHOLE["problem"], "failed": "", "unlocked": WHOLE["unlocked"],
    "takeaway_1": "un", "takeaway_2": "deux", "takeaway_3": "trois", "takeaway_4": "", "takeaway_5": "",
    "for_whom": WHOLE["for_whom"], "not_for_whom": "", "topics": ["iot-sensors"], "industries": ["manufacturing"],
    "language": "fr", "minutes": "210", "languages": ["fr"], "format": "remote", "area": "", "price": "1 150",
    "instant": "0", "notice_hours": "72", "policy": "moderate",
    "question_1": "", "question_2": "", "question_3": "", "question_4": "", "question_5": "",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _taxonomy(db: Database) -> None:
    with db.transaction() as tx:
        tx.session.add_all(
            [
                Topic(slug="iot-sensors", fr="Objets connectés", en="IoT and sensors"),
                *(Topic(slug=f"t{n}", fr=f"Sujet {n}", en=f"Topic {n}") for n in range(6)),
                Industry(slug="manufacturing", fr="Industrie", en="Manufacturing"),
            ]
        )


@pytest.fixture
def seller(db: Database) -> make.Seller:
    return make.seller(db)


@pytest.fixture
def here(browser: Browser, seller: make.Seller) -> FlaskClient:
    return browser(seller.person)


def path(offer_id: uuid.UUID, more: str = "") -> str:
    return f"/en/expert/offers/{offer_id}{more}"


def save(here: FlaskClient, offer_id: uuid.UUID, headers: Any = None, **typed: Any) -> Any:
    return send(here, path(offer_id), TYPED | typed, headers=headers)


# Writing.


def test_begun_and_saved(db: Database, here: FlaskClient, seller: make.Seller) -> None:
    answer = send(here, "/en/expert/offers/new")
    assert answer.status_code == 303
    offer_id = uuid.UUID(answer.location.rsplit("/", 1)[1])
    assert "answers are still missing" in here.get(answer.location).text
    answer = save(here, offer_id)
    assert answer.location.endswith(path(offer_id))
    assert read(db, offer_id).content == WHOLE
    assert "Everything needed is there" in here.get(path(offer_id)).text


@pytest.mark.parametrize(
    ("then", "leads"), [("check", "/submit"), ("preview", "/preview"), ("price", "#price"), ("later", "")]
)
def test_each_button_saves_and_leads_on(
    db: Database, here: FlaskClient, seller: make.Seller, then: str, leads: str
) -> None:
    offer_id = new_offer(db, seller.actor)
    assert save(here, offer_id, then=then).location == path(offer_id, leads)


def test_a_script_saves_as_one_writes(db: Database, here: FlaskClient, seller: make.Seller) -> None:
    offer_id = new_offer(db, seller.actor)
    answer = save(here, offer_id, {"X-Autosave": "1"}, revision="1")
    assert answer.json["revision"] == 2
    answer = save(here, offer_id, {"X-Autosave": "1"}, revision="1", title="Un autre titre, plus long")
    assert answer.status_code == 409
    assert "Another window" in answer.json["error"]
    answer = save(here, offer_id, {"X-Autosave": "1"}, revision="2", price="0")
    assert answer.status_code == 422
    assert "between €200.00 and €20,000.00" in answer.json["error"]


@pytest.mark.parametrize("price", ["0", "10000000", "199.99", "20000.01", "-5", "douze", "1e9", "٣٠٠"])
def test_a_price_that_is_none_is_refused_by_name_and_kept(
    db: Database, here: FlaskClient, seller: make.Seller, price: str
) -> None:
    offer_id = new_offer(db, seller.actor)
    answer = save(here, offer_id, price=price)
    assert answer.status_code == 422
    assert f'value="{price}"' in answer.text
    assert 'id="price-error"' in answer.text
    assert WHOLE["title"] in html.unescape(answer.text)
    assert read(db, offer_id).content["price_minor"] is None


def test_a_script_in_every_text_is_shown_as_words(
    db: Database, here: FlaskClient, seller: make.Seller
) -> None:
    texts = [name for name in TYPED if name.startswith(("takeaway", "question"))]
    texts += ["title", "problem", "failed", "unlocked", "for_whom", "not_for_whom", "area"]
    offer_id = new_offer(db, seller.actor)
    assert save(here, offer_id, **dict.fromkeys(texts, SCRIPT)).status_code == 303
    kept = read(db, offer_id).content
    assert kept["title"] == SCRIPT
    assert kept["takeaways"] == [SCRIPT] * 5
    for page in ("", "/preview", "/submit"):
        text = here.get(path(offer_id, page)).text
        assert "<script>alert" not in text
    assert "<script>alert" not in here.get("/en/expert/offers").text


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("title", "x" * 121), ("problem", "x" * 3001), ("takeaway_2", "x" * 141), ("question_5", "x" * 201),
        ("topics", [f"t{n}" for n in range(6)]), ("topics", ["none"]), ("minutes", "60"), ("policy", "lax"),
        ("format", "post"), ("language", "xx"), ("notice_hours", "1"), ("area", "x" * 121),
    ],
)  # fmt: skip
def test_what_cannot_stand_is_said_beside_its_field(
    db: Database, here: FlaskClient, seller: make.Seller, name: str, typed: Any
) -> None:
    offer_id = new_offer(db, seller.actor)
    answer = save(here, offer_id, **{name: typed})
    assert answer.status_code == 422
    assert "Error:" in answer.text
    assert read(db, offer_id).revision == 1


def test_two_windows_are_both_shown(db: Database, here: FlaskClient, seller: make.Seller) -> None:
    offer_id = begun(db, seller)
    seen = read(db, offer_id).revision
    save_offer(db, seller.actor, offer_id=offer_id, fields={"title": "Titre de la première fenêtre"})
    answer = save(here, offer_id, revision=str(seen), title="Titre de la seconde fenêtre")
    assert answer.status_code == 409
    assert answer.text.count("In the other window") == 1
    assert "Titre de la première fenêtre" in answer.text
    assert ">\r\nTitre de la seconde fenêtre</textarea>" in answer.text
    assert f'name="revision" value="{seen + 1}"' in answer.text
    assert read(db, offer_id).content["title"] == "Titre de la première fenêtre"


# Submitting.


def test_submitted_from_the_page_that_shows_what_changes(
    db: Database, here: FlaskClient, seller: make.Seller
) -> None:
    offer_id = live(db, seller)
    page = here.get(path(offer_id, "/submit")).text
    assert "nothing to submit" in page
    save(here, offer_id, price="1300")
    page = here.get(path(offer_id, "/submit")).text
    assert "One change" in page
    assert "€1,150" in page
    assert "€1,300" in page
    assert send(here, path(offer_id, "/submit")).status_code == 303
    assert "With the operators" in here.get(path(offer_id)).text
    assert save(here, offer_id, price="1400").status_code == 409
    assert send(here, path(offer_id, "/withdraw")).status_code == 303
    assert read(db, offer_id).state == "draft"


def test_not_submitted_before_it_is_whole(db: Database, here: FlaskClient, seller: make.Seller) -> None:
    offer_id = new_offer(db, seller.actor)
    answer = send(here, path(offer_id, "/submit"))
    assert answer.status_code == 422
    assert "answers are still missing" in answer.text
    assert f'href="{path(offer_id)}#takeaway_1"' in answer.text


def test_an_instant_one_says_what_it_lacks(db: Database, here: FlaskClient, seller: make.Seller) -> None:
    offer_id = begun(db, seller, instant=True)
    assert "standing acceptance" in here.get(path(offer_id, "/submit")).text
    assert send(here, path(offer_id, "/submit")).status_code == 422


def test_an_applicants_goes_with_the_application(db: Database, browser: Browser) -> None:
    seller = make.seller(db, status="applying")
    offer_id = begun(db, seller)
    here = browser(seller.person)
    assert "with your application" in here.get(path(offer_id, "/submit")).text
    answer = send(here, path(offer_id, "/submit"))
    assert answer.status_code == 409
    assert "once you are admitted" in answer.text
    assert read(db, offer_id).state == "draft"


def test_the_suspended_are_signed_out(db: Database, here: FlaskClient, seller: make.Seller) -> None:
    offer_id = begun(db, seller)
    suspend(db, seller)
    assert here.get(path(offer_id)).status_code == 303
    assert send(here, path(offer_id, "/submit")).status_code == 401
    assert read(db, offer_id).state == "draft"


def test_the_operators_notes_stand_beside_the_fields(
    db: Database, here: FlaskClient, seller: make.Seller
) -> None:
    offer_id = begun(db, seller)
    with db.transaction() as tx:
        draft = tx.session.get_one(OfferDraft, offer_id)
        draft.state = "changes"
        draft.notes = {
            "title": {"reason": f"Plus précis {SCRIPT}", "was": WHOLE["title"]},
            "": {"reason": "Bonne histoire", "was": None},
        }
    text = here.get(path(offer_id)).text
    assert "Plus précis &lt;script&gt;" in text
    assert "Bonne histoire" in text
    assert "changed since" not in text
    save(here, offer_id, title="Relever les machines de 1987")
    assert "changed since" in here.get(path(offer_id)).text


def test_closed_and_opened_with_its_history(db: Database, here: FlaskClient, seller: make.Seller) -> None:
    offer_id = live(db, seller)
    assert "Version 1" in here.get(path(offer_id)).text
    save(here, offer_id, price="1 300")
    assert send(here, path(offer_id, "/submit")).status_code == 303
    with db.transaction() as tx:
        publish(tx, offer_id, read(db, offer_id).revision)
    assert "price without VAT" in here.get(path(offer_id)).text
    assert send(here, path(offer_id, "/close")).status_code == 303
    assert "Open it again" in here.get(path(offer_id)).text
    assert send(here, path(offer_id, "/reopen")).status_code == 303
    assert "Close this offer" in here.get(path(offer_id)).text


def test_a_draft_is_not_closed(db: Database, here: FlaskClient, seller: make.Seller) -> None:
    assert send(here, path(begun(db, seller), "/close")).status_code == 409


# Previews.


def test_the_preview_is_the_public_page_without_booking(
    db: Database, here: FlaskClient, seller: make.Seller
) -> None:
    offer_id = live(db, seller)
    with db.reading() as session:
        slug = session.get_one(Offer, offer_id).slug
    public = here.get(f"/en/offers/{slug}").text
    preview = here.get(path(offer_id, "/preview")).text
    shown, meant = preview.partition("<article")[2], public.partition("<article")[2]
    assert shown.partition("</main>")[0] == meant.partition("</main>")[0]
    assert "/slots" not in preview


def test_whom_it_is_not_for_is_not_read_as_whom_it_is_for(
    db: Database, here: FlaskClient, seller: make.Seller
) -> None:
    offer_id = begun(db, seller)
    assert "Not for whom" not in here.get(path(offer_id, "/preview")).text
    save_offer(
        db, seller.actor, offer_id=offer_id, fields={"not_for_whom": "A team that looks for a supplier."}
    )
    text = here.get(path(offer_id, "/preview")).text
    assert text.index("Not for whom") < text.index("A team that looks for a supplier.")


def test_a_half_written_preview(db: Database, here: FlaskClient, seller: make.Seller) -> None:
    text = here.get(path(new_offer(db, seller.actor), "/preview")).text
    assert "Without a title yet" in text
    assert "No price yet" in text


def test_an_applicants_preview_reads_their_profiles_draft(db: Database, browser: Browser) -> None:
    seller = make.seller(db, status="applying")
    with db.transaction() as tx:
        content = {"bio": "Née à Brest.", "startup": "Compteurs Réunis", "city": "Brest", "country": "FR",
                   "languages": ["fr"], "vat_status": "exempt", "vat_ground": "fr_293b"}  # fmt: skip
        tx.session.add(ProfileDraft(expert_id=seller.expert.id, content=content, saved_at=tx.now))
    text = browser(seller.person).get(path(begun(db, seller), "/preview")).text
    assert "Née à Brest." in text
    assert "Compteurs Réunis" in text
    assert "293 B" in text
    with db.reading() as session:
        assert session.get_one(Expert, seller.expert.id).bio == "b"


def test_what_the_buyer_pays_and_the_expert_receives(here: FlaskClient) -> None:
    said = here.get("/en/expert/offers/price?price=1200").json
    assert said == {
        "price": "€1,200.00", "seller_vat": "€240.00", "service_fee": "€120.00", "vat_service_fee": "€24.00",
        "total": "€1,584.00", "gross": "€1,440.00", "commission": "−€120.00", "vat_commission": "−€24.00",
        "share": "€1,296.00",
    }  # fmt: skip
    for wrong in ("", "0", "10000000", "x"):
        answer = here.get(f"/en/expert/offers/price?price={wrong}")
        assert list(answer.json) == ["error"]


def test_the_amounts_stand_there_without_a_script(
    db: Database, here: FlaskClient, seller: make.Seller
) -> None:
    text = here.get(path(begun(db, seller, price_minor=120000))).text
    assert 'data-amount="share">€1,296.00<' in text
    assert "Work it out" in text


@pytest.mark.parametrize(
    ("typed", "minor"),
    [
        ("1150", 115000), ("1 150", 115000), ("1\u202f150,50\u00a0€", 115050), ("1,150.50", 115050),
        ("1.150,5", 115050), ("1,150", 115000), ("950", 95000), ("", None), ("  ", None),
    ],
)  # fmt: skip
def test_amounts_as_people_type_them(typed: str, minor: int | None) -> None:
    assert price_of(typed) == minor


@pytest.mark.parametrize("typed", ["-1", "1,15,0", "1.2.3", "mille", "0x10", "1e5", "1150.505"])
def test_what_is_no_amount(typed: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        price_of(typed)


def test_what_is_shown_is_read_back(app: Any) -> None:
    for minor in (20000, 115050, 2000000, 123401):
        for language in ("fr", "en"):
            with app.test_request_context(f"/{language}/"):
                assert price_of(price_text(minor)) == minor


# Figures.


def seen(db: Database, seller: make.Seller) -> int:
    with db.reading() as session:
        return sum(one.seen for one in figures(session, seller.expert.id, db.clock()))


def test_only_people_who_asked_for_the_page_are_counted(
    db: Database, browser: Browser, client: FlaskClient, seller: make.Seller
) -> None:
    address = f"/en/offers/{make.offer(db, seller.expert).slug}"
    person = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"}
    boss = make.person(db, operator=True)
    for who, more in (
        (seller.person, {}), (boss, {}), (None, {"User-Agent": "Googlebot/2.1"}), (None, {"User-Agent": ""}),
        (None, {"Sec-Purpose": "prefetch;prerender"}), (None, {"Purpose": "prefetch"}),
    ):  # fmt: skip
        assert browser(who).get(address, headers=person | more).status_code == 200
    client.head(address, headers=person)
    assert seen(db, seller) == 0
    for who in (None, make.lead(db).person, make.seller(db).person):
        browser(who).get(address, headers=person)
    assert seen(db, seller) == 3


def test_the_list_says_how_each_does(db: Database, here: FlaskClient, seller: make.Seller) -> None:
    make.booking(db, of=seller, state="confirmed", title="Poser 38 000 compteurs")
    text = here.get("/en/expert/offers").text
    assert "Poser 38 000 compteurs" in text
    assert "<dt>Booked</dt><dd>1</dd>" in text


def test_the_list_takes_as_many_statements_for_one_as_for_many(
    db: Database, here: FlaskClient, seller: make.Seller, count_queries: Any
) -> None:
    counts = []
    for _turn in range(2):
        begun(db, seller)
        with count_queries() as counted:
            here.get("/en/expert/offers")
        counts.append(counted.number)
    assert counts[0] == counts[1]


def test_nobody_elses(db: Database, browser: Browser, seller: make.Seller) -> None:
    offer_id = begun(db, seller)
    for who in (make.seller(db).person, make.lead(db).person, make.person(db, operator=True)):
        other = browser(who)
        assert other.get(path(offer_id)).status_code == 404
        for deed in ("", "/submit", "/withdraw", "/close", "/reopen"):
            assert send(other, path(offer_id, deed), TYPED).status_code == 404


def test_the_form_holds_every_field_of_a_draft(db: Database, here: FlaskClient, seller: make.Seller) -> None:
    """A field added to the domain is on the page too."""
    offer_id = new_offer(db, seller.actor)
    more = {"failed": "f", "not_for_whom": "n", "area": "Lyon", "promises_plan": "y", "question_1": "q ?",
            "languages": ["en"], "language": "en", "minutes": "240", "format": "both", "instant": "1",
            "notice_hours": "8", "policy": "strict"}  # fmt: skip
    save(here, offer_id, **more)
    blank = read(db, new_offer(db, seller.actor)).content
    kept = read(db, offer_id).content
    assert [name for name in kept if kept[name] == blank[name]] == []
    assert OfferForm.__dict__.keys() >= {"price", "takeaway_5", "question_5"}
    with db.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(OfferVersion)) == 0
        assert session.get(Person, seller.person.id) is not None
        assert draft_of(session, offer_id).revision == 2
