"""An expert's way in: the application, its steps, the operators' answers, and changes beside what is public."""

from __future__ import annotations

import io
import struct
import threading
import uuid
import zlib
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from marketplace.domain.errors import (
    AnswerRefused,
    CaseChanged,
    CaseDecided,
    CountryNotServed,
    DraftIncomplete,
    DraftSavedElsewhere,
    DraftSubmitted,
    DraftUnchanged,
    ExpertNotAdmitted,
    NotFound,
    PhotoRefused,
    ProviderBusy,
    Refusal,
    RegistrationWrong,
    TermsNotAccepted,
    TextRefused,
    TooManyTries,
    UndoOver,
    VatNumberWrong,
)
from marketplace.domain.events import (
    AddressKnownAlready,
    ApplicationSubmitted,
    LinkAsked,
    ProfileSubmitted,
    SubmissionWithdrawn,
)
from marketplace.domain.policy import ANONYMOUS, Actor
from marketplace.services import experts, files, people
from marketplace.services.experts.checking import check_registration
from marketplace.services.offers import publishing, save_offer
from marketplace.services.people import actor_for
from marketplace.services.reactions import REACTIONS
from marketplace.storage.availability import Calendar
from marketplace.storage.companies import Company, Membership
from marketplace.storage.db import Database, connect
from marketplace.storage.experts import Expert, ProfileDraft
from marketplace.storage.files import File
from marketplace.storage.moderation import Case
from marketplace.storage.offers import Offer, OfferDraft
from marketplace.storage.people import Acceptance, Person
from tests import factories as make
from tests.clock import FakeClock
from tests.domain.test_profiles import WHOLE
from tests.services.provider import Provider

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
BIO = "Nine years of repairs before the first line of code. " * 6
GOOD = WHOLE | {"bio": BIO.strip(), "headline": "Getting meters past refusals"}
OFFER = {
    "language": "en", "title": "Fitting 38,000 meters past refusals", "problem": "p" * 160, "failed": "",
    "unlocked": "u" * 160, "takeaways": ["a plan", "a letter", "a list"], "for_whom": "Landlords with refusals",
    "not_for_whom": "", "topics": ["field"], "industries": ["energy"], "minutes": 180, "price_minor": 120000,
    "format": "remote", "area": "", "languages": ["en"], "notice_hours": 72, "policy": "moderate", "instant": False,
    "promises_plan": False, "questions": [],
}  # fmt: skip


@pytest.fixture
def announced(db: Database) -> list[Any]:
    heard: list[Any] = []

    def hear(tx: Any, event: Any) -> None:
        heard.append(event)

    kinds = (LinkAsked, AddressKnownAlready, ApplicationSubmitted, ProfileSubmitted, SubmissionWithdrawn)
    db.reactions = SimpleNamespace(within=dict.fromkeys(kinds, (hear,)), after={})
    return heard


def sign_up(db: Database, email: str = "lou@gmail.com", **more: Any) -> TooManyTries | None:
    said = {
        "name": "Lou Ferrand",
        "language": "en",
        "zone": "Indian/Reunion",
        "address": "203.0.113.7",
        "real_now": NOW,
    }
    return experts.sign_up_expert(db, email=email, **(said | more))  # type: ignore[arg-type]


def of(db: Database, person_id: uuid.UUID) -> Actor:
    with db.reading() as session:
        return actor_for(session, person_id)


def applicant(db: Database, **more: Any) -> Actor:
    person = make.person(db, **more)
    experts.become_expert(db, Actor(person.id))
    return of(db, person.id)


def whole(db: Database, **fields: Any) -> Actor:
    """Somebody with everything ready to be submitted."""
    actor = applicant(db)
    experts.save_profile(db, actor, fields=GOOD | fields)
    experts.accept_charter(db, actor)
    with db.transaction() as tx:
        calendar = tx.session.get_one(Calendar, actor.expert_id)
        calendar.weekly = [{"days": [1], "start": "09:00", "end": "12:00"}]
        offer = Offer(
            expert_id=actor.expert_id, slug=f"draft-{uuid.uuid4().hex}", status="draft", created_at=tx.now
        )
        tx.session.add(offer)
        tx.session.flush()
        tx.session.add(OfferDraft(offer_id=offer.id, content=OFFER, saved_at=tx.now))
    return actor


def admitted(db: Database, **fields: Any) -> Actor:
    actor = whole(db, **fields)
    experts.submit_application(db, actor)
    with db.transaction() as tx:
        experts.admit(tx, expert_of(actor), draft(db, actor).revision)
    return of(db, person_of(actor))


def expert_of(actor: Actor) -> uuid.UUID:
    assert actor.expert_id is not None
    return actor.expert_id


def person_of(actor: Actor) -> uuid.UUID:
    assert actor.person_id is not None
    return actor.person_id


def draft(db: Database, actor: Actor) -> ProfileDraft:
    with db.reading() as session:
        return experts.profile_of(session, expert_of(actor))


def row(db: Database, actor: Actor) -> Expert:
    with db.reading() as session:
        return session.get_one(Expert, actor.expert_id)


def states(db: Database, actor: Actor) -> dict[str, str]:
    with db.reading() as session:
        return {step.name: step.state for step in experts.steps(session, actor, NOW)}


# Joining


def test_signing_up_takes_any_mail_and_founds_no_company(db: Database, announced: list[Any]) -> None:
    assert sign_up(db) is None
    with db.reading() as session:
        person = session.scalars(sa.select(Person).where(Person.email == "lou@gmail.com")).one()
        expert = session.scalars(sa.select(Expert).where(Expert.person_id == person.id)).one()
        assert (expert.status, expert.slug, expert.headline) == ("applying", "lou-ferrand", "")
        assert session.get_one(Calendar, expert.id).zone == "Indian/Reunion"
        assert session.get_one(Calendar, expert.id).weekly == []
        assert session.get_one(ProfileDraft, expert.id).content["language"] == "en"
        assert (
            session.scalar(sa.select(sa.func.count(Membership.id)).where(Membership.person_id == person.id))
            == 0
        )
        assert session.scalars(
            sa.select(Acceptance.document).where(Acceptance.person_id == person.id)
        ).all() == ["terms"]
    assert announced == [LinkAsked(person.id, "verify")]


def test_signing_up_again_before_the_link_is_used_takes_the_newest_words(
    db: Database, announced: list[Any]
) -> None:
    sign_up(db)
    sign_up(db, name="Lou Ferrand-Diaz", language="fr")
    with db.reading() as session:
        person = session.scalars(sa.select(Person).where(Person.email == "lou@gmail.com")).one()
        assert (person.name, person.language) == ("Lou Ferrand-Diaz", "fr")
        assert session.scalar(sa.select(sa.func.count(Expert.id)).where(Expert.person_id == person.id)) == 1


def test_a_known_address_looks_the_same_and_gets_no_application(db: Database, announced: list[Any]) -> None:
    known = make.person(db, email="known@gmail.com")
    assert sign_up(db, "known@gmail.com") is None
    assert announced == [AddressKnownAlready(known.id)]
    with db.reading() as session:
        assert session.scalar(sa.select(Expert.id).where(Expert.person_id == known.id)) is None


def test_one_address_may_begin_by_both_doors(db: Database, announced: list[Any]) -> None:
    sign_up(db, "lou@acme.example")
    people.sign_up(
        db, email="lou@acme.example", name="Lou", language="fr", zone="Europe/Paris", address="203.0.113.8", real_now=NOW
    )  # fmt: skip
    with db.reading() as session:
        person = session.scalars(sa.select(Person).where(Person.email == "lou@acme.example")).one()
        assert session.scalar(sa.select(Membership.roles).where(Membership.person_id == person.id)) == [
            "lead",
            "admin",
        ]
        assert session.scalar(sa.select(Expert.status).where(Expert.person_id == person.id)) == "applying"


def test_signing_up_needs_the_terms_and_slows_down(db: Database, announced: list[Any]) -> None:
    with pytest.raises(TermsNotAccepted):
        sign_up(db, accepted=())
    with pytest.raises(TextRefused):
        sign_up(db, name="x" * 121)
    answers = [sign_up(db, f"n{number}@gmail.com") for number in range(21)]
    assert answers[:20] == [None] * 20
    assert isinstance(answers[20], TooManyTries)


def test_two_people_of_one_name_have_two_addresses(db: Database) -> None:
    one, other = applicant(db, name="Solène Castagnères"), applicant(db, name="Solène Castagnères")
    assert row(db, one).slug == "solene-castagneres"
    assert row(db, other).slug.startswith("solene-castagneres-")


def test_a_lead_becomes_an_applicant_once_and_stays_a_lead(db: Database) -> None:
    lead = make.lead(db)
    for _again in range(2):
        experts.become_expert(db, lead.actor)
    actor = of(db, lead.person.id)
    assert people.roles_of(actor) == {"lead", "admin", "applicant"}
    assert not people.roles_of(actor) & {"expert"}
    with pytest.raises(NotFound):
        experts.become_expert(db, ANONYMOUS)


# Writing


def test_half_written_answers_are_kept_as_typed(db: Database) -> None:
    actor = applicant(db)
    experts.save_profile(
        db, actor, fields={"country": "de", "vat_status": "liable", "vat_number": "DE 12", "registration": "?!", "bio": "Two words"}
    )  # fmt: skip
    content = draft(db, actor).content
    assert (content["country"], content["vat_number"], content["registration"]) == ("DE", "DE 12", "?!")
    assert content["bio"] == "Two words"
    with db.reading() as session:
        wrong = experts.problems(experts.profile_of(session, expert_of(actor)).content)
    assert isinstance(wrong["vat_number"], VatNumberWrong)
    assert wrong["bio"].facts == {"why": "too_short", "least": 40, "given": 2}
    assert isinstance(wrong["legal_name"], AnswerRefused)


def test_a_later_save_elsewhere_is_not_overwritten(db: Database) -> None:
    actor = applicant(db)
    first = draft(db, actor).revision
    saved = experts.save_profile(db, actor, fields={"headline": "One"}, revision=first)
    assert saved.revision == first + 1
    with pytest.raises(DraftSavedElsewhere):
        experts.save_profile(db, actor, fields={"headline": "Two"}, revision=first)
    assert draft(db, actor).content["headline"] == "One"
    again = experts.save_profile(db, actor, fields={"headline": "One"}, revision=saved.revision)
    assert again.revision == saved.revision


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(
            ("headline", "bio", "country", "languages", "conflicts", "website", "nothing", "photo_id")
        ),
        st.text(max_size=60),
        max_size=4,
    )
)
def test_whatever_is_sent_is_kept_cleaned_or_refused_by_name(db: Database, fields: dict[str, Any]) -> None:
    """No text, choice or unknown field breaks the draft, and no photograph comes this way."""
    actor = applicant(db)
    try:
        experts.save_profile(db, actor, fields=fields)
    except TextRefused as refused:
        assert refused.facts["field"] in fields
    content = draft(db, actor).content
    assert set(content) == set(WHOLE)
    assert content["photo_id"] == ""
    assert experts.problems(content)


def test_a_script_is_text_like_any_other(db: Database) -> None:
    actor = applicant(db)
    script = "<script>alert(1)</script>"
    experts.save_profile(
        db, actor, fields=dict.fromkeys(("headline", "bio", "startup", "legal_name"), script)
    )
    assert {draft(db, actor).content[name] for name in ("headline", "bio", "startup", "legal_name")} == {
        script
    }


@pytest.mark.parametrize(
    ("number", "country", "kept"),
    [
        ("552 100 554", "FR", "552100554"),
        ("552 100 554 00005", "FR", "552100554"),
        ("0403.019.261", "BE", "0403019261"),
        ("CHE-107.787.577", "CH", "CHE107787577"),
        ("HRB 4711 München", "DE", "HRB 4711 München"),
        ("01234567", "GB", "01234567"),
    ],
)
def test_a_company_number_is_checked_where_its_form_is_known(number: str, country: str, kept: str) -> None:
    assert check_registration(number, country).replace("-", "").replace(".", "") == kept.replace(
        "-", ""
    ).replace(".", "")


@pytest.mark.parametrize(("number", "country", "why"), [
    ("552100555", "FR", "key"), ("55210055", "FR", "form"), ("55210055400018", "FR", "key"), ("12", "NO", "form"),
])  # fmt: skip
def test_a_wrong_company_number_is_refused_by_name(number: str, country: str, why: str) -> None:
    with pytest.raises(RegistrationWrong) as refused:
        check_registration(number, country)
    assert refused.value.facts == {"country": country, "why": why}


@pytest.mark.parametrize(
    ("fields", "name", "kind"),
    [
        ({"country": "BR"}, "country", CountryNotServed),
        ({"country": "US", "registration": "", "vat_number": ""}, "vat_status", AnswerRefused),
        ({"vat_number": "FR40303265046"}, "vat_number", VatNumberWrong),
        ({"vat_status": "exempt", "vat_ground": "outside_scope"}, "vat_ground", AnswerRefused),
        ({"vat_status": "exempt", "vat_ground": "", "vat_number": ""}, "vat_ground", AnswerRefused),
        ({"website": "javascript:alert(1)"}, "website", AnswerRefused),
        ({"standing": True}, "meeting_link", AnswerRefused),
        ({"bio": "word " * 401}, "bio", AnswerRefused),
    ],
)
def test_each_wrong_answer_is_refused_by_name(fields: dict[str, Any], name: str, kind: type) -> None:
    assert experts.problems(GOOD) == {}
    wrong = experts.problems(GOOD | fields)
    assert isinstance(wrong[name], kind)


# Steps


def test_the_steps_say_how_far_each_is(db: Database) -> None:
    actor = applicant(db)
    assert states(db, actor) == {
        "mail": "done", "identity": "todo", "account": "blocked", "profile": "todo", "offer": "todo", "hours": "todo",
        "charter": "todo",
    }  # fmt: skip
    experts.save_profile(db, actor, fields={"legal_name": "Lou", "country": "FR", "headline": "x"})
    assert states(db, actor) | {"offer": ""} == {
        "mail": "done", "identity": "doing", "account": "todo", "profile": "doing", "offer": "", "hours": "todo",
        "charter": "todo",
    }  # fmt: skip
    ready = whole(db)
    assert set(states(db, ready).values()) == {"done", "todo"}
    assert states(db, ready)["account"] == "todo"


def test_an_offer_booked_at_once_waits_for_the_acceptance_in_advance(db: Database) -> None:
    actor = whole(db)
    with db.transaction() as tx:
        tx.session.execute(sa.update(OfferDraft).values(content=OFFER | {"instant": True}))
    assert states(db, actor)["offer"] == "doing"
    experts.save_profile(db, actor, fields={"standing": True, "meeting_link": "https://meet.example.com/lou"})
    assert states(db, actor)["offer"] == "done"


def test_the_steps_cost_the_same_whatever_there_is(db: Database, count_queries: Any) -> None:
    counts = []
    for actor in (applicant(db), whole(db)):
        with count_queries() as counted, db.reading() as session:
            experts.steps(session, actor, NOW)
        counts.append(counted.number)
    assert counts[0] == counts[1] <= 6
    with db.reading() as session, pytest.raises(NotFound):
        experts.steps(session, Actor(uuid.uuid4()), NOW)


# Submitting and being decided on


def test_submitting_needs_every_step_but_the_account(db: Database) -> None:
    actor = applicant(db)
    with pytest.raises(DraftIncomplete) as refused:
        experts.submit_application(db, actor)
    assert refused.value.facts["missing"] == ("identity", "profile", "offer", "hours", "charter")


def test_an_application_goes_comes_back_and_goes_again(db: Database, announced: list[Any]) -> None:
    actor = whole(db)
    experts.submit_application(db, actor)
    assert (row(db, actor).status, draft(db, actor).state) == ("submitted", "submitted")
    with pytest.raises(DraftSubmitted):
        experts.submit_application(db, actor)
    with pytest.raises(DraftSubmitted):
        experts.save_profile(db, actor, fields={"headline": "Other"})
    experts.withdraw(db, actor)
    assert (row(db, actor).status, draft(db, actor).state) == ("applying", "draft")
    with pytest.raises(CaseDecided):
        experts.withdraw(db, actor)
    experts.save_profile(db, actor, fields={"headline": "Other"})
    experts.submit_application(db, actor)
    expert_id = expert_of(actor)
    assert [event for event in announced if not isinstance(event, LinkAsked)] == [
        ApplicationSubmitted(expert_id), SubmissionWithdrawn(expert_id, None), ApplicationSubmitted(expert_id),
    ]  # fmt: skip


def test_admission_copies_what_was_submitted_and_can_be_taken_back(db: Database) -> None:
    typed = {"registration": "552 100 554 00005", "vat_number": "fr 40 303 265 045", "vat_ground": "fr_293b"}
    actor = whole(db, standing=True, meeting_link="https://meet.example.com/lou", conflicts=["Acme"], **typed)
    experts.submit_application(db, actor)
    revision = draft(db, actor).revision
    with db.transaction() as tx, pytest.raises(CaseChanged):
        experts.admit(tx, expert_of(actor), revision - 1)
    with db.transaction() as tx:
        experts.admit(tx, expert_of(actor), revision)
    expert = row(db, actor)
    assert (expert.status, expert.headline, expert.country) == ("admitted", GOOD["headline"], "FR")
    assert (expert.address, expert.registration) == ("12 rue Haute\n97400 Saint-Denis", "552100554")
    assert (expert.vat_number, expert.vat_ground, expert.conflicts) == ("FR40303265045", None, ["Acme"])
    assert expert.standing_since is not None
    assert draft(db, actor).state == "published"
    with db.reading() as session:
        assert experts.profile_diff(session, expert_of(actor)) == []
    with db.transaction() as tx:
        experts.unadmit(tx, expert_of(actor))
    expert = row(db, actor)
    assert (expert.status, expert.headline, expert.standing_since) == ("submitted", "", None)
    assert draft(db, actor).state == "submitted"
    with db.transaction() as tx:
        experts.admit(tx, expert_of(actor), revision)
    experts.save_profile(db, actor, fields={"headline": "Something else"})
    with db.transaction() as tx, pytest.raises(UndoOver):
        experts.unadmit(tx, expert_of(actor))


@pytest.mark.parametrize("refuse", [False, True])
def test_reasons_stand_at_their_fields_until_they_are_answered(db: Database, refuse: bool) -> None:
    actor = whole(db)
    experts.submit_application(db, actor)
    notes = {
        "headline": "Name the thing.",
        "vat_number": "Not in the register.",
        "": "Nearly there.",
        "nothing": "x",
    }
    with db.transaction() as tx:
        experts.ask_profile_changes(tx, expert_of(actor), notes, refuse=refuse)
    assert row(db, actor).status == ("refused" if refuse else "applying")
    said = experts.notes_of(draft(db, actor))
    assert {name: note.reason for name, note in said.items()} == {
        n: t for n, t in notes.items() if n != "nothing"
    }
    assert (states(db, actor)["identity"], states(db, actor)["profile"]) == ("fix", "fix")
    with pytest.raises(DraftIncomplete):
        experts.submit_application(db, actor)
    experts.save_profile(db, actor, fields={"headline": "Getting heat meters past refusals"})
    assert experts.notes_of(draft(db, actor))["headline"].answered
    assert (states(db, actor)["identity"], states(db, actor)["profile"]) == ("fix", "done")
    experts.save_profile(
        db, actor, fields={"vat_number": "", "vat_status": "exempt", "vat_ground": "fr_293b"}
    )
    experts.submit_application(db, actor)
    assert (row(db, actor).status, draft(db, actor).notes) == ("submitted", {})


def test_what_was_asked_of_the_first_offer_keeps_the_application_back(db: Database) -> None:
    actor = whole(db)
    experts.submit_application(db, actor)
    with db.transaction() as tx:
        offer_id = publishing.first_offer(tx.session, expert_of(actor))
        assert offer_id is not None
        publishing.submit_first_offer(tx, expert_of(actor))
        experts.ask_profile_changes(tx, expert_of(actor), {})
        publishing.ask_offer_changes(tx, offer_id, {"title": "Which meters?"})
    assert states(db, actor)["offer"] == "fix"
    with pytest.raises(DraftIncomplete) as refused:
        experts.submit_application(db, actor)
    assert refused.value.facts["missing"] == ("offer",)
    save_offer(db, actor, offer_id=offer_id, fields={"title": "Fitting 38,000 heat meters past refusals"})
    assert states(db, actor)["offer"] == "done"
    # Put back as it was, it is what was asked about again.
    save_offer(db, actor, offer_id=offer_id, fields={"title": OFFER["title"]})
    assert states(db, actor)["offer"] == "fix"
    save_offer(db, actor, offer_id=offer_id, fields={"title": "Fitting 38,000 heat meters past refusals"})
    experts.submit_application(db, actor)


def test_a_question_is_taken_back_unless_the_author_wrote_on(db: Database) -> None:
    actor = whole(db)
    experts.submit_application(db, actor)
    revision = draft(db, actor).revision
    with db.transaction() as tx:
        experts.ask_profile_changes(tx, expert_of(actor), {"bio": "Longer."})
    with db.transaction() as tx:
        experts.unask_profile_changes(tx, expert_of(actor), revision)
    assert (row(db, actor).status, draft(db, actor).state) == ("submitted", "submitted")
    with db.transaction() as tx:
        experts.ask_profile_changes(tx, expert_of(actor), {"bio": "Longer."})
    experts.save_profile(db, actor, fields={"bio": BIO + "More."})
    with db.transaction() as tx, pytest.raises(UndoOver):
        experts.unask_profile_changes(tx, expert_of(actor), revision)
    with db.transaction() as tx, pytest.raises(CaseChanged):
        experts.ask_profile_changes(tx, expert_of(actor), {"bio": "Again."})


def test_changes_of_the_admitted_wait_beside_what_is_public(db: Database, announced: list[Any]) -> None:
    actor = admitted(db)
    with pytest.raises(DraftUnchanged):
        experts.submit_profile(db, actor)
    experts.save_profile(db, actor, fields={"headline": "Meters, heat and cold", "languages": ["fr", "en"]})
    assert row(db, actor).headline == GOOD["headline"]
    with db.reading() as session:
        assert experts.profile_diff(session, expert_of(actor)) == [
            ("headline", GOOD["headline"], "Meters, heat and cold"), ("languages", ["fr"], ["fr", "en"]),
        ]  # fmt: skip
    experts.submit_profile(db, actor)
    assert row(db, actor).status == "admitted"
    with pytest.raises(DraftSubmitted):
        experts.submit_profile(db, actor)
    with db.transaction() as tx:
        before = experts.publish_profile(tx, expert_of(actor), draft(db, actor).revision)
    assert row(db, actor).headline == "Meters, heat and cold"
    with db.transaction() as tx:
        experts.unpublish_profile(tx, expert_of(actor), before)
    assert (row(db, actor).headline, draft(db, actor).state) == (GOOD["headline"], "submitted")
    experts.withdraw(db, actor)
    assert row(db, actor).status == "admitted"
    assert ProfileSubmitted(expert_of(actor)) in announced


def test_a_change_that_leaves_something_out_is_not_submitted(db: Database) -> None:
    actor = admitted(db)
    experts.save_profile(db, actor, fields={"bio": "Short."})
    with pytest.raises(DraftIncomplete) as refused:
        experts.submit_profile(db, actor)
    assert refused.value.facts["missing"] == ("bio",)


def test_a_loaded_expert_changes_one_page_without_the_other(db: Database) -> None:
    """Who was here before has no street and no VAT number; changing the headline asks for none."""
    seller = make.seller(db)
    actor = seller.actor
    assert draft(db, actor).revision == 0
    experts.save_profile(db, actor, fields={"headline": "New", "bio": GOOD["bio"]}, revision=0)
    experts.submit_profile(db, actor)
    with db.transaction() as tx:
        experts.publish_profile(tx, expert_of(actor), draft(db, actor).revision)
    assert (row(db, actor).headline, row(db, actor).city) == ("New", "Lyon")


def test_who_is_not_admitted_or_suspended_submits_no_changes(db: Database) -> None:
    with pytest.raises(ExpertNotAdmitted):
        experts.submit_profile(db, applicant(db))
    actor = admitted(db)
    experts.save_profile(db, actor, fields={"headline": "Other"})
    with db.transaction() as tx:
        tx.session.get_one(Person, actor.person_id).suspended_at = tx.now
    with pytest.raises(ExpertNotAdmitted) as refused:
        experts.submit_profile(db, actor)
    assert refused.value.facts["status"] == "suspended"
    with pytest.raises(DraftUnchanged):
        experts.submit_application(db, admitted(db))


# The account at the provider


def test_the_account_is_opened_once_and_fetched_on_the_way_back(db: Database, provider: Provider) -> None:
    actor = applicant(db)
    urls = {"return_url": "https://site.test/back", "refresh_url": "https://site.test/again"}
    with pytest.raises(DraftIncomplete):
        experts.open_onboarding(db, provider.gateway, actor, **urls)
    experts.save_profile(db, actor, fields={"legal_name": "Lou Ferrand", "country": "BR"})
    with pytest.raises(CountryNotServed):
        experts.open_onboarding(db, provider.gateway, actor, **urls)
    experts.save_profile(db, actor, fields={"country": "FR"})
    first = experts.open_onboarding(db, provider.gateway, actor, **urls)
    account_id = row(db, actor).account_id
    assert experts.open_onboarding(db, provider.gateway, actor, **urls) != first
    assert row(db, actor).account_id == account_id
    assert len(row(db, actor).account_asks) == 3
    assert states(db, actor)["account"] == "doing"
    experts.refresh_own_account(db, provider.gateway, actor)
    assert row(db, actor).account_status == "restricted"


def test_nothing_is_lost_when_the_provider_does_not_answer(db: Database) -> None:
    from marketplace.gateways.payments_stripe import StripePayments

    away = StripePayments("sk_test_x", ("whsec_x",), api_base="http://127.0.0.1:9", live=False)
    actor = applicant(db)
    experts.save_profile(db, actor, fields={"legal_name": "Lou", "country": "FR"})
    with pytest.raises(ProviderBusy):
        experts.open_onboarding(
            db, away, actor, return_url="https://s.test/a", refresh_url="https://s.test/b"
        )
    assert row(db, actor).account_id is None
    experts.refresh_own_account(db, away, actor)


# At once


def at_once(work: Any, times: int = 6) -> list[str]:
    """The same thing done by several threads together; what each came to."""
    said: list[str] = []

    def one() -> None:
        try:
            work()
            said.append("done")
        except Refusal as refused:
            said.append(type(refused).__name__)

    threads = [threading.Thread(target=one) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(said)


def test_a_hurried_applicant_has_one_application_and_one_case(own_url: str) -> None:
    """Six clicks at once on each button: one expert, one save of a revision, one case."""
    engine = connect(own_url, pool_size=8)
    db = Database(engine, clock=FakeClock(), reactions=REACTIONS)
    person = make.person(db)
    assert at_once(lambda: experts.become_expert(db, Actor(person.id))) == ["done"] * 6
    with db.reading() as session:
        assert session.scalar(sa.select(sa.func.count(Expert.id)).where(Expert.person_id == person.id)) == 1
    actor = whole(db)
    revision = draft(db, actor).revision
    numbers = iter(range(100))

    def save() -> None:
        experts.save_profile(db, actor, fields={"headline": f"Line {next(numbers)}"}, revision=revision)

    assert at_once(save) == ["DraftSavedElsewhere"] * 5 + ["done"]
    assert at_once(lambda: experts.submit_application(db, actor)) == ["DraftSubmitted"] * 5 + ["done"]
    with db.reading() as session:
        assert session.scalar(sa.select(sa.func.count(Case.id)).where(Case.expert_id == actor.expert_id)) == 1
    assert at_once(lambda: experts.withdraw(db, actor)) == ["CaseDecided"] * 5 + ["done"]
    engine.dispose()


# Photographs


def picture(size: tuple[int, int] = (900, 700), kind: str = "JPEG", **more: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "steelblue").save(out, kind, **more)
    return out.getvalue()


def png(wide: int, high: int, data: bytes = b"") -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", wide, high, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", data or zlib.compress(b"\0"))
        + chunk(b"IEND", b"")
    )


EXIF = Image.Exif()
EXIF[0x010E] = "home: 12 rue Haute"
EXIF[0x0112] = 6  # Turned by a quarter.
BAD = {
    "a text by another name": (b"Dear operators, this is no photograph." * 20, "kind"),
    "nothing": (b"", "kind"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "kind"),
    "html": (b"<!doctype html><script>alert(1)</script>", "kind"),
    "gif": (picture(kind="GIF"), "kind"),
    "50,000 pixels a side": (png(50_000, 50_000), "pixels"),
    "many pixels in all": (png(7_900, 7_900), "pixels"),
    "tiny": (picture((199, 900)), "pixels"),
    "truncated": (picture()[:2000], "broken"),
    "garbage inside": (png(600, 600, b"garbage"), "broken"),
    "too heavy": (picture() + b"\0" * (5 << 20), "size"),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_photograph_is_refused_by_name(what: str) -> None:
    upload, why = BAD[what]
    with pytest.raises(PhotoRefused) as refused:
        files.remake_photo(upload)
    assert refused.value.facts["why"] == why


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_photograph_is_drawn_anew_without_what_hid_in_it(kind: str) -> None:
    script = b"<script>alert(document.cookie)</script>"
    made = files.remake_photo(picture(kind=kind, exif=EXIF.tobytes()) + script)
    seen = Image.open(io.BytesIO(made))
    assert (seen.format, seen.size, dict(seen.getexif())) == ("WEBP", (640, 640), {})
    assert script not in made
    assert b"rue Haute" not in made
    assert len(made) < 100_000


@settings(max_examples=80, deadline=None)
@given(
    st.binary(max_size=300),
    st.sampled_from((b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBPVP8 ")),
)
def test_no_bytes_break_the_reader(rest: bytes, start: bytes) -> None:
    with pytest.raises(PhotoRefused):
        files.remake_photo(start + rest)


def test_a_photograph_belongs_to_its_owner_until_it_is_everybodys(db: Database) -> None:
    actor = whole(db)
    assert files.give_photo(db, actor, upload=picture(), real_now=NOW) is None
    first = uuid.UUID(draft(db, actor).content["photo_id"])
    assert files.give_photo(db, actor, upload=picture((300, 300)), real_now=NOW) is None
    second = uuid.UUID(draft(db, actor).content["photo_id"])
    with db.reading() as session:
        assert session.scalars(sa.select(File.id).where(File.person_id == actor.person_id)).all() == [second]
        assert files.photo(session, actor, second)[1] is False
        assert files.photo(session, Actor(uuid.uuid4(), operator=True), second)[1] is False
        for who, which in ((ANONYMOUS, second), (Actor(uuid.uuid4()), second), (actor, first)):
            with pytest.raises(NotFound):
                files.photo(session, who, which)
    experts.submit_application(db, actor)
    with pytest.raises(DraftSubmitted):
        files.give_photo(db, actor, upload=picture(), real_now=NOW)
    with db.transaction() as tx:
        experts.admit(tx, expert_of(actor), draft(db, actor).revision)
    with db.reading() as session:
        assert files.photo(session, ANONYMOUS, second)[1] is True
    # A newer one waits for the operators; what is public stays.
    files.give_photo(db, actor, upload=picture((400, 400)), real_now=NOW)
    with db.reading() as session:
        assert files.photo(session, ANONYMOUS, second)[1] is True
        with pytest.raises(NotFound):
            files.photo(session, ANONYMOUS, uuid.UUID(draft(db, actor).content["photo_id"]))
    with db.transaction() as tx:
        tx.session.get_one(Person, actor.person_id).suspended_at = tx.now
    with db.reading() as session, pytest.raises(NotFound):
        files.photo(session, ANONYMOUS, second)


def test_the_same_picture_elsewhere_is_found_and_uploads_slow_down(db: Database) -> None:
    one, other = applicant(db, name="One"), applicant(db, name="Other")
    for actor in (one, other):
        files.give_photo(db, actor, upload=picture(), real_now=NOW)
    with db.reading() as session:
        assert files.same_photo(session, expert_of(one)) == ["Other"]
    answers = [files.give_photo(db, one, upload=picture((200, 200)), real_now=NOW) for _n in range(20)]
    assert isinstance(answers[-1], TooManyTries)
    with pytest.raises(NotFound):
        files.give_photo(db, Actor(uuid.uuid4()), upload=picture(), real_now=NOW)
    files.drop_photo(db, other)
    assert draft(db, other).content["photo_id"] == ""


def test_a_company_left_out_of_the_acceptance_in_advance_waits_for_an_answer(db: Database) -> None:
    seller = make.seller(
        db,
        standing_since=db.clock(),
        meeting_link="https://meet.example.com/a",
        conflicts=["Foncière calvière"],
    )
    offer = make.offer(db, seller.expert, instant=True)
    listed = make.booking(db, of=seller, offer_of=offer, by=make.lead(db), days_ahead=10)
    assert make.read(db, listed).instant is False
    free = make.lead(db)
    with db.transaction() as tx:
        tx.session.get_one(Company, free.company.id).name = "Acme"
        tx.session.get_one(Company, free.company.id).legal_name = None
    other = make.booking(db, of=seller, offer_of=offer, by=free, days_ahead=12)
    assert make.read(db, other).instant is True
