"""What operators see: people and offers with the money of each, what the one box finds, and the journal."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from marketplace.domain.errors import NotFound
from marketplace.services.moderation import desk, finding, journal, money, restricting
from marketplace.services.people import write_audit
from marketplace.storage.bookings import Booking
from marketplace.storage.db import Database
from marketplace.storage.moderation import Case
from marketplace.storage.offers import OfferDraft
from marketplace.storage.payments import Payment, Refund
from marketplace.storage.payouts import Transfer
from marketplace.storage.people import AuditRow
from marketplace.storage.reviews import Review
from tests import factories as make

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


def read(db: Database, ask: Any) -> Any:
    with db.reading() as session:
        return ask(session)


def names(db: Database, **how: Any) -> list[str]:
    return [row.name for row in read(db, lambda s: desk.list_people(s, **how)[0])]


@pytest.fixture
def paid(db: Database) -> make.Made:
    """A confirmed booking with every id the provider may call it by."""
    made = make.booking(db, state="confirmed")
    with db.transaction() as tx:
        payment = tx.session.scalars(sa.select(Payment).where(Payment.subject == made.id)).one()
        payment.intent_id, payment.charge_id, payment.checkout_id = "pi_1", "ch_1", "cs_1"
        payment.refunded_minor = 1000
        tx.session.add(
            Refund(
                payment_id=payment.id, token="r", amount_minor=1000, lines={}, after_share=False, why="x",
                state="done", provider_id="re_1", decided_at=tx.now,
            )
        )  # fmt: skip
        tx.session.add(
            Transfer(
                payment_id=payment.id, expert_id=made.seller.expert.id, subject=made.id, amount_minor=5000,
                due_at=tx.now, why="due", state="done", provider_id="tr_1", made_at=tx.now,
            )
        )  # fmt: skip
    return made


# --- people -------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["castagn", "CASTAGNÈRES", "castagneres", "solène c"])
def test_a_name_is_found_whatever_case_and_accents(db: Database, text: str) -> None:
    make.person(db, name="Solène Castagnères")
    make.person(db, name="Max Muster")
    assert names(db, text=text) == ["Solène Castagnères"]


@pytest.mark.parametrize("text", ["40 000 vir", "40\u00a0000", "40\u202f000 VIREMENTS"])
@pytest.mark.parametrize("space", [" ", "\u00a0", "\u202f"])
def test_a_space_is_a_space_whatever_its_width(db: Database, text: str, space: str) -> None:
    make.person(db, name=f"Rapprocher 40{space}000{space}virements")
    assert len(names(db, text=text)) == 1


@pytest.mark.parametrize("text", ["%", "_", "\\", "a%c"])
def test_wildcards_are_letters(db: Database, text: str) -> None:
    make.person(db, name="Abc Def", email="abc@acme.example")
    assert names(db, text=text) == []


def test_people_by_what_they_are(db: Database) -> None:
    lead, seller = make.lead(db, name="Lea").person, make.seller(db, name="Ex").person
    make.seller(db, name="App", status="applying")
    make.person(db, name="Op", operator=True)
    make.person(db, name="Sus", suspended_at=NOW)
    found = {kind: names(db, kind=kind) for kind in desk.KINDS}
    assert found == {
        "operator": ["Op"], "expert": [seller.name], "applicant": ["App"], "lead": [lead.name], "suspended": ["Sus"],
    }  # fmt: skip
    assert len(names(db)) == 5


def test_pages_of_people_follow_on(db: Database) -> None:
    made = {make.person(db, name=f"P{n}").name for n in range(7)}
    seen: list[str] = []
    after = None
    while True:
        rows, after = read(db, lambda s, at=after: desk.list_people(s, after=at, most=3))
        seen += [row.name for row in rows]
        if after is None:
            break
    assert sorted(seen) == sorted(made)


def test_a_person_with_the_money_of_their_bookings(db: Database, paid: make.Made) -> None:
    other = make.booking(db, state="requested")
    for person in (paid.lead.person, paid.seller.person):
        page = read(db, lambda s, of=person: desk.person_page(s, of.id, real_now=NOW))
        rows, _after = read(
            db, lambda s, of=person: money.bookings_with_money(s, money.whose_bookings(of.id))
        )
        assert [row.id for row in rows] == [paid.id]
        row = rows[0]
        assert (row.returned, row.share, row.share_state) == (1000, 5000, "done")
        assert row.taken == page.money.taken > 0
        assert page.money == money.Money(1, 1, row.taken, 1000, 5000, 0)
    page = read(db, lambda s: desk.person_page(s, other.lead.person.id, real_now=NOW))
    assert page.money == money.Money(1, 1, 0, 0, 0, 0)
    assert [company.id for company, _roles in page.memberships] == [other.lead.company.id]
    with pytest.raises(NotFound):
        read(db, lambda s: desk.person_page(s, uuid.uuid4(), real_now=NOW))


def test_what_was_laid_on_somebody_is_read_with_who_and_why(db: Database) -> None:
    boss, seller = make.operator(db), make.seller(db)
    offer = make.offer(db, seller.expert)
    restricting.hide_offer(db, boss, offer_id=offer.id, ground="terms", reason="It names a client.")
    restricting.restore_offer(db, boss, offer_id=offer.id, reason="The name is gone.")
    page = read(db, lambda s: desk.person_page(s, seller.person.id, real_now=NOW))
    (row,) = page.restrictions
    assert (row.kind, row.ground, row.reason, row.by) == (
        "offer_hidden",
        "terms",
        "It names a client.",
        "Odile Marchal",
    )
    assert (row.lifted_by, row.lifted_why) == ("Odile Marchal", "The name is gone.")
    assert read(db, lambda s: desk.offer_desk(s, offer.id, NOW)).restrictions == page.restrictions


# --- offers -------------------------------------------------------------------------------------


def test_offers_by_title_expert_and_status(db: Database) -> None:
    seller = make.seller(db, name="Maëlle Kervadoret")
    offer = make.offer(db, seller.expert, title="Étanchéité des capteurs")
    make.offer(db, make.seller(db, name="Autre").expert, title="Autre chose")
    for how in ({"text": "etancheite"}, {"text": "KERVA"}, {"expert_id": seller.expert.id}):
        assert [row.id for row in read(db, lambda s, how=how: desk.list_offers(s, **how)[0])] == [offer.id]
    assert len(read(db, lambda s: desk.list_offers(s, status="live")[0])) == 2
    assert read(db, lambda s: desk.list_offers(s, status="hidden")[0]) == []


def test_an_offer_never_published_shows_its_draft(db: Database) -> None:
    seller = make.seller(db)
    with db.transaction() as tx:
        offer = desk.Offer(expert_id=seller.expert.id, slug="draft-x", status="draft", created_at=tx.now)
        tx.session.add(offer)
        tx.session.flush()
        tx.session.add(OfferDraft(offer_id=offer.id, content={"title": "In the making"}, saved_at=tx.now))
    (row,) = read(db, lambda s: desk.list_offers(s)[0])
    assert (row.title, row.price_minor, row.status, row.bookings) == ("In the making", None, "draft", 0)
    page = read(db, lambda s: desk.offer_desk(s, offer.id, NOW))
    assert (page.title, list(page.versions)) == ("In the making", [])


def test_an_offer_with_its_bookings_money_and_reviews(db: Database, paid: make.Made) -> None:
    with db.transaction() as tx:
        said = Review(
            booking_id=paid.id, offer_id=paid.offer.id, expert_id=paid.seller.expert.id, side="lead",
            author_name="Camille", author_company="Acme", unlocked="yes", text="Bien", sent_at=tx.now,
        )  # fmt: skip
        tx.session.add(said)
        tx.session.flush()
        review_id = said.id
    restricting.hide_review(db, make.operator(db), review_id=review_id, ground="law", reason="An insult.")
    page = read(db, lambda s: desk.offer_desk(s, paid.offer.id, db.clock()))
    assert (page.money.bookings, page.money.returned, page.money.transferred) == (1, 1000, 5000)
    assert [review.hidden_at is not None for review in page.reviews] == [True]
    assert [row.review_id for row in page.restrictions] == [review_id]
    assert page.figures is not None
    assert page.figures.booked == 1
    assert read(db, lambda s: desk.review_about(s, review_id))[1] == 0


def test_a_page_asks_the_same_whatever_the_data(db: Database, paid: make.Made, count_queries: Any) -> None:
    def ask() -> list[int]:
        counted = []
        for act in (
            lambda s: desk.person_page(s, paid.seller.person.id, real_now=NOW),
            lambda s: desk.offer_desk(s, paid.offer.id, NOW),
            lambda s: desk.list_people(s),
            lambda s: desk.list_offers(s),
            lambda s: money.bookings_with_money(s, Booking.offer_id == paid.offer.id),
            lambda s: finding.find(s, "a"),
            lambda s: journal.read_journal(s),
        ):
            with count_queries() as counting:
                read(db, act)
            counted.append(counting.number)
        return counted

    before = ask()
    for n in range(3):
        make.booking(db, of=paid.seller, offer_of=paid.offer, days_ahead=12 + n)
        make.offer(db, make.seller(db).expert)
    assert ask() == before
    assert max(before) <= 10


# --- finding ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["pi_1", "cs_1", "ch_1", "tr_1", "re_1", "reference", "number", "lower", "id", "ours"]
)
def test_a_booking_is_found_by_each_of_its_names(db: Database, paid: make.Made, name: str) -> None:
    booking = make.read(db, paid)
    ours = read(db, lambda s: s.scalar(sa.select(Payment.reference)))
    text = {"reference": booking.reference, "number": booking.number, "lower": booking.number.lower(),
            "id": str(booking.id), "ours": ours}.get(name, name)  # fmt: skip
    finds = read(db, lambda s: finding.find(s, f" {text} "))
    assert finds.exact
    assert [(one.kind, one.key) for one in finds.found] == [("booking", booking.reference)]


def test_people_by_account_id_and_address(db: Database, paid: make.Made) -> None:
    seller = paid.seller
    for text in (
        seller.expert.account_id,
        str(seller.person.id),
        str(seller.expert.id),
        seller.person.email.upper(),
    ):
        finds = read(db, lambda s, text=text: finding.find(s, text))
        assert finds.exact, text
        assert [(one.kind, one.key) for one in finds.found] == [("person", str(seller.person.id))]
    finds = read(db, lambda s: finding.find(s, str(paid.offer.id)))
    assert [(one.kind, one.key) for one in finds.found] == [("offer", str(paid.offer.id))]


def test_names_titles_companies_and_cases(db: Database, paid: make.Made) -> None:
    with db.transaction() as tx:
        case = Case(
            kind="offer", offer_id=paid.offer.id, title="A change", opened_at=tx.now, target_at=tx.now,
        )  # fmt: skip
        tx.session.add(case)
        tx.session.flush()
        number = case.number
    for text in (f"#{number}", f"cas {number}", f"Case {number}", str(number)):
        assert [one.kind for one in read(db, lambda s, text=text: finding.find(s, text)).found] == ["case"], (
            text
        )
    kinds = {
        text: {one.kind for one in read(db, lambda s, text=text: finding.find(s, text)).found}
        for text in ("castagneres", "compteurs", "calviere", "calvière", "nothing at all", "", "%")
    }
    assert kinds == {
        "castagneres": {"person", "offer"}, "compteurs": {"offer"}, "calviere": {"company"},
        "calvière": {"company"}, "nothing at all": set(), "": set(), "%": set(),
    }  # fmt: skip


# --- the journal --------------------------------------------------------------------------------


def test_the_journal_of_one_person_holds_what_they_did_and_what_was_done(
    db: Database, paid: make.Made
) -> None:
    boss, seller = make.operator(db), paid.seller
    restricting.hide_offer(db, boss, offer_id=paid.offer.id, ground="terms", reason="A reason")
    with db.transaction() as tx:
        write_audit(tx, actor_id=seller.person.id, act="hours.changed", subject=f"expert:{seller.expert.id}")
        write_audit(tx, actor_id=None, act="factor.reset", subject=str(seller.person.id))
        write_audit(tx, actor_id=boss.person_id, act="case.claimed", subject="case:1001")
    lines, _after = read(db, lambda s: journal.read_journal(s, person_id=seller.person.id))
    assert {line.act for line in lines} == {"offer.hidden", "hours.changed", "factor.reset"}
    hidden = next(line for line in lines if line.act == "offer.hidden")
    assert (hidden.actor, hidden.reason, hidden.about.kind) == ("Odile Marchal", "A reason", "offer")
    assert hidden.about.words == "Poser 38 000 compteurs"
    lines, _after = read(db, lambda s: journal.read_journal(s, act="case.claimed"))
    assert [(line.about.kind, line.about.key) for line in lines] == [("case", "1001")]


def test_whose_journal(db: Database) -> None:
    someone = make.person(db, email="ana@acme.example")
    for text in (" Ana@Acme.example ", str(someone.id)):
        assert read(db, lambda s, text=text: journal.person_of(s, text)) == someone.id
    assert read(db, lambda s: journal.person_of(s, "nobody@acme.example")) is None
    assert read(db, lambda s: journal.person_of(s, "a-b-c-d-e")) is None


def test_pages_of_the_journal_follow_on(db: Database) -> None:
    with db.transaction() as tx:
        for n in range(7):
            write_audit(tx, actor_id=None, act="log_in", subject=str(n))
    seen: list[str] = []
    after = None
    while True:
        lines, after = read(db, lambda s, at=after: journal.read_journal(s, after=at, most=3))
        seen += [line.about.words for line in lines]
        if after is None:
            break
    assert sorted(seen) == [str(n) for n in range(7)]


@pytest.mark.parametrize("statement", ["update audit set reason = 'x'", "delete from audit"])
def test_no_line_is_changed_or_taken_away(db: Database, statement: str) -> None:
    with db.transaction() as tx:
        tx.session.add(AuditRow(at=tx.now, act="log_in", subject="x"))
    with pytest.raises(IntegrityError, match="append-only"), db.transaction() as tx:
        tx.session.execute(sa.text(statement))
