"""Enquiries on a real database: published, invited, answered, taken into a booking whose yes is given."""

from __future__ import annotations

import threading
import uuid
from datetime import datetime, timedelta
from email.message import EmailMessage
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

from marketplace.domain import enquiries as law
from marketplace.domain.contacts import MASK
from marketplace.domain.deadlines import queue_hold_until
from marketplace.domain.errors import (
    EnquiryIncomplete,
    EnquiryOver,
    MeetingPlaceMissing,
    NoMoreExtensions,
    NotBookable,
    NotFound,
    OwnOffer,
    PriceRefused,
    ProposalIncomplete,
    ProposalMade,
    ProposalOver,
    SlotNotOffered,
    SlotTaken,
    TermsNotAccepted,
    TooManyEnquiries,
    TooManyHolds,
    TooManyInvited,
)
from marketplace.domain.events import EnquiryAnswered, EnquiryClosed, EnquiryInvited
from marketplace.domain.policy import Actor
from marketplace.services import bookings, enquiries, letters, search
from marketplace.services.bookings.holding import free_for_offer
from marketplace.services.privacy import export_own
from marketplace.storage.bookings import Booking, BookingMove
from marketplace.storage.briefs import Brief
from marketplace.storage.db import Database, connect
from marketplace.storage.enquiries import Enquiry, EnquiryInvitation, EnquiryProposal
from marketplace.storage.letters import Letter
from marketplace.storage.offers import OfferVersion
from marketplace.storage.people import Acceptance, Person
from tests import factories as make
from tests.clock import START, FakeClock
from tests.services.test_letters import STATIONERY, complete, html_of, opened, text_of

WORDS = "Des locataires refusent la pose des compteurs"


def sells(db: Database, seller: make.Seller, **more: Any) -> uuid.UUID:
    """A live offer that the search finds by WORDS."""
    offer = make.offer(db, seller.expert, **{"title": WORDS, "problem": WORDS} | more)
    with db.transaction() as tx:
        search.index_offer(tx, offer.id)
    return offer.id


def publish(db: Database, by: make.Lead, token: str = "t", **more: str) -> Enquiry:
    told = {"title": "Compteurs refusés", "summary": WORDS, "details": "Quartier des Tanneurs."} | more
    return enquiries.publish(db, make.NOBODY_ENCODES, by.actor, token=token, **told)


def starts(db: Database, offer_id: uuid.UUID, after: int = 10, number: int = 2) -> list[datetime]:
    now = db.clock()
    with db.reading() as session:
        free = free_for_offer(
            session, offer_id, window=(now + timedelta(days=after), now + timedelta(days=60)), now=now
        )
    return [free.slots[n * 8][0] for n in range(number)]


def propose(
    db: Database, seller: make.Seller, enquiry: Enquiry, offer_id: uuid.UUID, **more: Any
) -> EnquiryProposal:
    values: dict[str, Any] = {
        "price_minor": 99_000, "place": "https://meet.example.com/x", "words": "Je l’ai fait.",
        "accepted": make.ACCEPTED,
    } | more  # fmt: skip
    if "starts" not in values:
        values["starts"] = starts(db, offer_id)
    return enquiries.propose(db, seller.actor, enquiry_id=enquiry.id, offer_id=offer_id, **values)


def first(proposal: EnquiryProposal) -> datetime:
    return datetime.fromisoformat(proposal.slots[0]["start"])


def read(db: Database, enquiry: Enquiry) -> Enquiry:
    with db.reading() as session:
        return session.get_one(Enquiry, enquiry.id)


@pytest.fixture
def heard(db: Database) -> list[object]:
    """What was announced."""
    found: list[object] = []
    kinds = (EnquiryInvited, EnquiryAnswered, EnquiryClosed)
    db.reactions = SimpleNamespace(
        within={kind: (lambda tx, event: found.append(event),) for kind in kinds}, after={}
    )
    return found


class TestPublish:
    def test_it_stands_30_days_with_those_who_fit(self, db: Database) -> None:
        by, one, two = make.lead(db), make.seller(db), make.seller(db)
        first_offer, _second = sells(db, one), sells(db, one)
        other = sells(db, two)
        made = publish(db, by)
        assert (made.state, made.deadline) == ("open", START + timedelta(days=30))
        assert {fit["expert_id"] for fit in made.fitting} == {str(one.expert.id), str(two.expert.id)}
        assert str(other) in {fit["offer_id"] for fit in made.fitting}
        assert len(made.fitting) == 2
        assert first_offer

    def test_ones_own_company_is_never_proposed(self, db: Database) -> None:
        seller = make.seller(db)
        sells(db, seller)
        assert publish(db, make.lead(db, domain=seller.person.email.rpartition("@")[2])).fitting == []

    def test_contact_details_are_masked_everywhere(self, db: Database) -> None:
        made = publish(db, make.lead(db), title="A a@b.fr", summary="06 12 34 56 78", details="www.x.fr")
        assert (made.title, made.summary, made.details) == (f"A {MASK}", MASK, MASK)

    @pytest.mark.parametrize("missing", ["title", "summary"])
    def test_an_empty_one_is_refused(self, db: Database, missing: str) -> None:
        with pytest.raises(EnquiryIncomplete):
            publish(db, make.lead(db), **{missing: " "})

    def test_three_open_a_person_and_the_same_form_is_one(self, db: Database) -> None:
        by = make.lead(db)
        made = [publish(db, by, token=str(n)) for n in range(3)]
        with pytest.raises(TooManyEnquiries):
            publish(db, by, token="3")
        enquiries.withdraw(db, by.actor, enquiry_id=made[0].id)
        assert publish(db, by, token="3").id == publish(db, by, token="3").id

    def test_who_leads_no_project_publishes_none(self, db: Database) -> None:
        with pytest.raises(NotFound):
            enquiries.publish(
                db, make.NOBODY_ENCODES, make.seller(db).actor, title="t", summary="s", details="", token="t"
            )


class TestInvite:
    def test_up_to_eight_of_those_who_fit_once(self, db: Database, heard: list[object]) -> None:
        by, sellers = make.lead(db), [make.seller(db) for _ in range(9)]
        for seller in sellers:
            sells(db, seller)
        made = publish(db, by)
        experts = [uuid.UUID(fit["expert_id"]) for fit in made.fitting]
        assert len(experts) == 9
        with pytest.raises(TooManyInvited):
            enquiries.invite(db, by.actor, enquiry_id=made.id, experts=experts)
        for _ in range(2):
            enquiries.invite(db, by.actor, enquiry_id=made.id, experts=experts[:8])
        assert len(heard) == 8
        with pytest.raises(TooManyInvited):
            enquiries.invite(db, by.actor, enquiry_id=made.id, experts=experts[8:])

    def test_nobody_else_invites_and_nobody_else_is_invited(self, db: Database) -> None:
        by, seller = make.lead(db), make.seller(db)
        sells(db, seller)
        made = publish(db, by)
        for actor, expert in (
            (make.lead(db).actor, seller),
            (by.actor, make.seller(db)),
            (seller.actor, seller),
        ):
            with pytest.raises(NotFound):
                enquiries.invite(db, actor, enquiry_id=made.id, experts=[expert.expert.id])

    def test_details_are_read_by_those_invited_alone(self, db: Database) -> None:
        by, invited, other = make.lead(db), make.seller(db), make.seller(db)
        sells(db, invited)
        made = publish(db, by)
        enquiries.invite(db, by.actor, enquiry_id=made.id, experts=[invited.expert.id])
        with db.reading() as session:
            theirs = enquiries.enquiry_for_expert(session, invited.actor, made.id)
            outside = enquiries.enquiry_for_expert(session, other.actor, made.id)
            assert [row.id for row in enquiries.invitations_waiting(session, invited.expert.id)] == [made.id]
            assert enquiries.invitations_waiting(session, other.expert.id) == []
        assert (theirs.details, theirs.company) == ("Quartier des Tanneurs.", by.company.name)
        assert (outside.details, outside.company) == (None, None)
        enquiries.withdraw(db, by.actor, enquiry_id=made.id)
        with db.reading() as session, pytest.raises(NotFound):
            enquiries.enquiry_for_expert(session, other.actor, made.id)
        applying = make.seller(db, status="applying").actor
        with db.reading() as session, pytest.raises(NotFound):
            enquiries.enquiry_for_expert(
                session, type(applying)(**vars(applying) | {"applying": True}), made.id
            )


class TestPropose:
    def test_an_offer_a_price_and_two_or_three_free_starts(self, db: Database, heard: list[object]) -> None:
        seller = make.seller(db)
        offer, made = sells(db, seller), publish(db, make.lead(db))
        proposal = propose(db, seller, made, offer, words="Voir moi@x.fr")
        assert (proposal.price_minor, len(proposal.slots), proposal.words) == (99_000, 2, f"Voir {MASK}")
        assert heard == [EnquiryAnswered(proposal.id)]
        with pytest.raises(ProposalMade):
            propose(db, seller, made, offer)

    @pytest.mark.parametrize(
        ("more", "refusal"),
        [
            ({"price_minor": 19_999}, PriceRefused),
            ({"price_minor": 2_000_001}, PriceRefused),
            ({"place": "x"}, MeetingPlaceMissing),
            ({"accepted": ("charter",)}, TermsNotAccepted),
            ({"starts": [START + timedelta(hours=1), START + timedelta(days=9)]}, SlotNotOffered),
            ({"starts": [START + timedelta(days=9)] * 2}, ProposalIncomplete),
            ({"starts": []}, ProposalIncomplete),
        ],
    )
    def test_what_is_no_yes_is_refused(
        self, db: Database, more: dict[str, Any], refusal: type[Exception]
    ) -> None:
        seller = make.seller(db)
        offer, made = sells(db, seller), publish(db, make.lead(db))
        with pytest.raises(refusal):
            propose(db, seller, made, offer, **more)

    def test_a_slot_that_is_held_is_not_free(self, db: Database) -> None:
        seller = make.seller(db)
        offer, made = sells(db, seller), publish(db, make.lead(db))
        wanted = starts(db, offer)
        bookings.hold(db, make.lead(db).actor, offer=offer, start=wanted[0], format="remote", token="t")
        with pytest.raises(SlotNotOffered):
            propose(db, seller, made, offer, starts=wanted)

    def test_only_with_ones_own_bookable_offer_for_another_company(self, db: Database) -> None:
        seller, other = make.seller(db), make.seller(db)
        mine, theirs = sells(db, seller), sells(db, other)
        made = publish(db, make.lead(db))
        with pytest.raises(NotFound):
            propose(db, seller, made, theirs)
        with pytest.raises(OwnOffer):
            propose(
                db, seller, publish(db, make.lead(db, domain=seller.person.email.rpartition("@")[2])), mine
            )
        slots = starts(db, mine)
        with db.transaction() as tx:
            tx.session.get_one(Person, seller.person.id).suspended_at = tx.now
        with pytest.raises(NotBookable):
            propose(db, seller, made, mine, starts=slots)


class TestTake:
    def test_it_is_a_booking_whose_yes_is_given(self, db: Database, heard: list[object]) -> None:
        by, seller = make.lead(db), make.seller(db)
        offer, made = sells(db, seller), publish(db, by)
        proposal = propose(db, seller, made, offer)
        start = first(proposal)
        booking = enquiries.take(
            db, by.actor, enquiry_id=made.id, proposal_id=proposal.id, start=start, token="t"
        )
        assert (booking.state, booking.price_minor, booking.agreed_at) == ("held", 99_000, START)
        assert booking.deadline == queue_hold_until(START, start, 72) == START + timedelta(hours=4)
        assert booking.meeting_place == "https://meet.example.com/x"
        kept = read(db, made)
        assert (kept.state, kept.booking_id, kept.deadline) == ("taken", booking.id, None)
        assert heard[-1] == EnquiryClosed(made.id)
        with db.reading() as session:
            brief = session.get_one(Brief, booking.brief_id)
            said = session.scalars(
                sa.select(Acceptance.document).where(
                    Acceptance.booking_id == booking.id, Acceptance.person_id == seller.person.id
                )
            ).all()
        assert brief.subject == "Compteurs refusés"
        assert brief.context == f"{WORDS}\n\nQuartier des Tanneurs."
        assert sorted(said) == sorted(make.ACCEPTED)
        again = enquiries.take(
            db, by.actor, enquiry_id=made.id, proposal_id=proposal.id, start=start, token="t"
        )
        assert again.id == booking.id

    def test_paid_it_is_accepted_at_once_and_confirmed(self, db: Database) -> None:
        by, seller = make.lead(db), make.seller(db)
        offer, made = sells(db, seller), publish(db, by)
        proposal = propose(db, seller, made, offer)
        held = enquiries.take(
            db, by.actor, enquiry_id=made.id, proposal_id=proposal.id, start=first(proposal), token="t"
        )
        with pytest.raises(NoMoreExtensions):
            bookings.extend(db, by.actor, booking_id=held.id, token="x")
        booked = make.Made(held.id, by, seller, None)  # type: ignore[arg-type]
        make.write_brief(db, booked)
        make.authorise(db, make.open_payment(db, booked))
        assert make.read(db, booked).deadline != held.deadline
        make.capture(db, booked)
        assert make.read(db, booked).state == "confirmed"
        with db.reading() as session:
            moves = session.execute(
                sa.select(BookingMove.move, BookingMove.reason)
                .where(BookingMove.booking_id == held.id)
                .order_by(BookingMove.id)
            ).all()
        assert ("accept_at_once", "agreed_before") in [tuple(row) for row in moves]
        assert "accept" not in [row.move for row in moves]

    def test_opening_payment_moves_its_end_no_further(self, db: Database, clock: FakeClock) -> None:
        by, seller = make.lead(db), make.seller(db)
        offer, made = sells(db, seller), publish(db, by)
        proposal = propose(db, seller, made, offer)
        held = enquiries.take(
            db, by.actor, enquiry_id=made.id, proposal_id=proposal.id, start=first(proposal), token="t"
        )
        booked = make.Made(held.id, by, seller, None)  # type: ignore[arg-type]
        make.write_brief(db, booked)
        clock.move(timedelta(hours=3))
        make.open_payment(db, booked)
        assert make.read(db, booked).deadline == held.deadline

    def test_it_stands_outside_the_two_and_the_five(self, db: Database) -> None:
        by, seller = make.lead(db), make.seller(db)
        offer = sells(db, seller)
        for n in range(2):
            make.booking(db, by=by, days_ahead=20 + n)
        made = publish(db, by)
        proposal = propose(db, seller, made, offer)
        enquiries.take(
            db, by.actor, enquiry_id=made.id, proposal_id=proposal.id, start=first(proposal), token="t"
        )
        with pytest.raises(TooManyHolds):
            make.booking(db, by=by, days_ahead=30)

    def test_and_counts_in_neither(self, db: Database) -> None:
        by, seller = make.lead(db), make.seller(db)
        made = publish(db, by)
        proposal = propose(db, seller, made, sells(db, seller))
        enquiries.take(
            db, by.actor, enquiry_id=made.id, proposal_id=proposal.id, start=first(proposal), token="t"
        )
        for n in range(2):
            make.booking(db, by=by, days_ahead=20 + n)

    def test_a_slot_gone_meanwhile_leaves_the_enquiry_open(self, db: Database) -> None:
        by, seller = make.lead(db), make.seller(db)
        offer, made = sells(db, seller), publish(db, by)
        proposal = propose(db, seller, made, offer)
        bookings.hold(db, make.lead(db).actor, offer=offer, start=first(proposal), format="remote", token="t")
        with pytest.raises(SlotTaken):
            enquiries.take(
                db, by.actor, enquiry_id=made.id, proposal_id=proposal.id, start=first(proposal), token="t"
            )
        assert read(db, made).state == "open"

    def test_a_changed_offer_is_not_what_was_agreed(self, db: Database) -> None:
        by, seller = make.lead(db), make.seller(db)
        offer, made = sells(db, seller), publish(db, by)
        proposal = propose(db, seller, made, offer)
        with db.transaction() as tx:
            live = tx.session.scalars(sa.select(OfferVersion).where(OfferVersion.offer_id == offer)).one()
            live.live = False
            values = {c.key: getattr(live, c.key) for c in OfferVersion.__table__.columns if c.key != "id"}
            tx.session.flush()
            tx.session.add(OfferVersion(**values | {"number": 2, "live": True, "minutes": 240}))
        with pytest.raises(ProposalOver):
            enquiries.take(
                db, by.actor, enquiry_id=made.id, proposal_id=proposal.id, start=first(proposal), token="t"
            )

    def test_only_the_lead_takes_only_what_was_proposed(self, db: Database) -> None:
        by, seller = make.lead(db), make.seller(db)
        made, other = publish(db, by), publish(db, by, token="o")
        proposal = propose(db, seller, made, sells(db, seller))
        start = first(proposal)
        for actor, enquiry, when in (
            (make.lead(db).actor, made, start),
            (seller.actor, made, start),
            (by.actor, other, start),
            (by.actor, made, start + timedelta(minutes=30)),
        ):
            with pytest.raises(NotFound):
                enquiries.take(
                    db, actor, enquiry_id=enquiry.id, proposal_id=proposal.id, start=when, token="t"
                )

    def test_of_two_taken_at_once_one_is(self, own_url: str) -> None:
        db = Database(connect(own_url), clock=FakeClock())
        by, sellers = make.lead(db), [make.seller(db) for _ in range(2)]
        made = publish(db, by)
        proposals = [propose(db, seller, made, sells(db, seller)) for seller in sellers]
        refused: list[Exception] = []
        start = threading.Barrier(2)

        def one(proposal: EnquiryProposal) -> None:
            start.wait()
            try:
                enquiries.take(
                    db,
                    by.actor,
                    enquiry_id=made.id,
                    proposal_id=proposal.id,
                    start=first(proposal),
                    token="t",
                )
            except EnquiryOver as refusal:
                refused.append(refusal)

        threads = [threading.Thread(target=one, args=(proposal,)) for proposal in proposals]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with db.reading() as session:
            held = session.scalar(sa.select(sa.func.count()).select_from(Booking))
        db.engine.dispose()  # type: ignore[union-attr]
        assert (held, len(refused)) == (1, 1)


class TestEnds:
    def test_the_clock_closes_it_after_30_days_once(self, db: Database, clock: FakeClock) -> None:
        by, seller = make.lead(db), make.seller(db)
        offer, made = sells(db, seller), publish(db, by)
        clock.move(law.OPEN_FOR - timedelta(seconds=1))
        assert enquiries.run_clock(db) == 0
        clock.move(timedelta(seconds=1))
        with pytest.raises(EnquiryOver):
            propose(db, seller, made, offer)
        assert [enquiries.run_clock(db), enquiries.run_clock(db)] == [1, 0]
        assert read(db, made).state == "over"
        with pytest.raises(EnquiryOver):
            enquiries.withdraw(db, by.actor, enquiry_id=made.id)


# Letters.


def written(db: Database) -> dict[str, EmailMessage]:
    with db.reading() as session:
        rows = session.scalars(sa.select(Letter)).all()
    assert len({row.event for row in rows}) == len(rows)
    return {row.event: opened(row.message) for row in rows}


@pytest.fixture(params=["fr", "en"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def speaks(db: Database, seller: make.Seller, language: str) -> make.Seller:
    with db.transaction() as tx:
        tx.session.get_one(Person, seller.person.id).language = language
    return seller


@pytest.mark.parametrize("end", ["open", "taken", "withdrawn", "over"])
def test_who_hears_what(db: Database, clock: FakeClock, language: str, end: str) -> None:
    by, one, two = (
        make.lead(db, language=language),
        *(speaks(db, make.seller(db), language) for _ in range(2)),
    )
    offers = [sells(db, one), sells(db, two)]
    made = publish(db, by)
    enquiries.invite(db, by.actor, enquiry_id=made.id, experts=[one.expert.id])
    first_one = propose(db, one, made, offers[0])
    with db.reading() as session:
        invitation = session.scalars(sa.select(EnquiryInvitation.id)).one()
    expected = {"enquiry_invited", "enquiry_answered"}
    for _ in range(2):  # A job run twice writes once.
        letters.enquiry_invited(db, STATIONERY, invitation_id=invitation)
        letters.enquiry_answered(db, STATIONERY, proposal_id=first_one.id)
    if end == "taken":
        propose(db, two, made, offers[1])
        enquiries.take(
            db, by.actor, enquiry_id=made.id, proposal_id=first_one.id, start=first(first_one), token="t"
        )
        expected |= {"enquiry_taken_expert", "enquiry_closed_expert"}
    elif end == "withdrawn":
        enquiries.withdraw(db, by.actor, enquiry_id=made.id)
        expected |= {"enquiry_closed_expert"}
    elif end == "over":
        clock.move(law.OPEN_FOR)
        enquiries.run_clock(db)
        expected |= {"enquiry_closed_expert", "enquiry_over_lead"}
    for _ in range(2):
        letters.enquiry_closed(db, STATIONERY, enquiry_id=made.id)
    found = written(db)
    assert set(found) == expected
    for event, message in found.items():
        complete(event, message, language)
        assert "Tanneurs" not in text_of(message)
        assert message["List-Unsubscribe"] is None


def test_one_mail_a_day_of_what_fits_with_its_way_out(db: Database, clock: FakeClock, language: str) -> None:
    seller, other = speaks(db, make.seller(db), language), make.seller(db)
    sells(db, seller)
    sells(db, other, title="Tout autre chose", problem="Une usine de papier")
    publish(db, make.lead(db), title="Un")
    publish(db, make.lead(db), title="Deux")
    for _ in range(3):
        letters.news_today(db, STATIONERY)
    message = written(db)["news_today"]
    complete("news_today", message, language)
    assert message["To"].addresses[0].addr_spec == seller.person.email
    assert "Un" in text_of(message)
    assert "Deux" in text_of(message)
    assert "Tanneurs" not in text_of(message)
    with db.transaction() as tx:
        token = letters.mail_token(tx, seller.person.id)
    address = f"https://declic.example/unsubscribe/{token}/{language}"
    assert message["List-Unsubscribe"] == f"<{address}>"
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert address in html_of(message)

    def count() -> int:
        with db.reading() as session:
            return session.scalar(sa.select(sa.func.count()).select_from(Letter)) or 0

    clock.move(timedelta(minutes=5))
    publish(db, make.lead(db), title="Trois")
    letters.news_today(db, STATIONERY)
    assert count() == 1
    clock.move(timedelta(days=1))
    letters.news_today(db, STATIONERY)
    assert count() == 2
    clock.move(timedelta(days=1))
    letters.news_today(db, STATIONERY)
    assert count() == 2
    clock.move(timedelta(minutes=5))
    publish(db, make.lead(db), title="Quatre")
    letters.unsubscribe(db, token)
    letters.news_today(db, STATIONERY)
    assert count() == 2
    enquiries.set_mails(db, seller.actor, on=True)
    letters.news_today(db, STATIONERY)
    assert count() == 3


def test_not_before_six_and_not_to_the_suspended(db: Database, clock: FakeClock) -> None:
    seller = make.seller(db)
    sells(db, seller)
    publish(db, make.lead(db))
    clock.move(timedelta(hours=20))
    letters.news_today(db, STATIONERY)
    assert written(db) == {}
    with db.transaction() as tx:
        tx.session.get_one(Person, seller.person.id).suspended_at = tx.now
    clock.move(timedelta(hours=2))
    letters.news_today(db, STATIONERY)
    assert written(db) == {}


def test_no_token_of_ours_is_not_found(db: Database) -> None:
    with pytest.raises(NotFound):
        letters.unsubscribe(db, "x" * 22)
    with db.reading() as session, pytest.raises(NotFound):
        letters.mails_off(session, "")


def test_ones_own_side_is_in_ones_export_and_nobody_elses(db: Database) -> None:
    by, seller = make.lead(db), make.seller(db)
    made = publish(db, by)
    propose(db, seller, made, sells(db, seller))
    make.question(db, by=by, of=seller)

    def export(actor: Actor) -> dict[str, Any]:
        found = export_own(db, actor, address="", real_now=START)
        assert isinstance(found, dict)
        return found

    lead, expert, other = export(by.actor), export(seller.actor), export(make.seller(db).actor)
    assert [row["details"] for row in lead["enquiries"]] == ["Quartier des Tanneurs."]
    assert len(lead["questions_asked"]) == len(expert["questions_received"]) == 1
    assert [row["price_minor"] for row in expert["enquiry_proposals"]] == [99_000]
    assert "Tanneurs" not in str(expert)
    assert not any(other[name] for name in ("questions_received", "enquiry_proposals", "enquiries"))
