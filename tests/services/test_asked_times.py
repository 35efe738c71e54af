"""No slot suits: three times a lead proposes, and the expert's yes, no or silence."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from marketplace.domain.contacts import MASK
from marketplace.domain.errors import (
    MeetingPlaceMissing,
    NotFound,
    OwnOffer,
    QueueRefused,
    SlotNotOffered,
    SlotTaken,
    TermsNotAccepted,
)
from marketplace.domain.policy import Actor
from marketplace.services import bookings, queues
from marketplace.storage.bookings import Booking, BookingMove
from marketplace.storage.briefs import Brief
from marketplace.storage.db import Database, connect
from marketplace.storage.offers import OfferVersion
from marketplace.storage.people import Acceptance
from marketplace.storage.queues import AskedTimes
from tests import factories as make
from tests.clock import START, FakeClock

# A Saturday, an evening and a night, none of them in anybody's hours; the offer's notice is 72 hours.
SATURDAY, EVENING, NIGHT = make.ASKED
PLACE = "https://meet.example.com/x"


def read(db: Database, asked: AskedTimes) -> AskedTimes:
    with db.reading() as session:
        return session.get_one(AskedTimes, asked.id)


def take(
    db: Database, seller: make.Seller, asked: AskedTimes, start: datetime = SATURDAY, place: str = PLACE
) -> Booking:
    return queues.take(db, seller.actor, times_id=asked.id, start=start, place=place, accepted=make.ACCEPTED)


def test_three_times_wait_72_hours(db: Database) -> None:
    asked = make.asked_times(db, words="Écrivez à c.roy@eaux.fr, nous sommes à Nouméa.")
    assert (asked.state, asked.deadline) == ("open", START + timedelta(hours=72))
    assert asked.starts == [SATURDAY, EVENING, NIGHT]
    assert asked.words == f"Écrivez à {MASK}, nous sommes à Nouméa."


def test_they_wait_no_longer_than_one_can_be_held(db: Database) -> None:
    near = [START + timedelta(hours=76, minutes=15 * n) for n in range(3)]
    asked = make.asked_times(db, starts=near)
    assert asked.deadline == near[-1] - timedelta(hours=72)


@pytest.mark.parametrize(
    ("starts", "why"),
    [
        ([SATURDAY, EVENING], "number"),
        ([SATURDAY, SATURDAY, EVENING], "number"),
        ([SATURDAY, EVENING, NIGHT + timedelta(minutes=5)], "quarter"),
        ([START + timedelta(hours=75, minutes=45), EVENING, NIGHT], "early"),
        ([START + timedelta(days=60, minutes=15), EVENING, NIGHT], "late"),
    ],
)
def test_times_that_cannot_be_are_refused(db: Database, starts: list[datetime], why: str) -> None:
    with pytest.raises(QueueRefused) as refused:
        make.asked_times(db, starts=starts)
    assert refused.value.facts["why"] == why


def test_words_are_needed_on_both_sides(db: Database) -> None:
    seller = make.seller(db)
    with pytest.raises(QueueRefused):
        make.asked_times(db, of=seller, words=" ")
    asked = make.asked_times(db, of=seller)
    with pytest.raises(QueueRefused):
        queues.decline(db, seller.actor, times_id=asked.id, words="  ")


def test_three_open_a_person_and_a_form_counts_once(db: Database) -> None:
    by = make.lead(db)
    one = make.asked_times(db, by=by, token="a")
    with db.reading() as session:
        offer = session.get_one(AskedTimes, one.id).offer_id
    again = queues.ask(db, by.actor, offer_id=offer, starts=make.ASKED, format="remote", words="w", token="a")
    assert again.id == one.id
    make.asked_times(db, by=by)
    make.asked_times(db, by=by)
    with pytest.raises(QueueRefused) as many:
        make.asked_times(db, by=by)
    assert many.value.facts == {"why": "many_asked", "limit": 3}
    queues.withdraw(db, by.actor, times_id=one.id)
    make.asked_times(db, by=by)


def test_nobody_asks_themselves_and_only_leads_ask(db: Database) -> None:
    seller = make.seller(db)
    with pytest.raises(OwnOffer):
        make.asked_times(db, of=seller, by=make.lead(db, domain=seller.person.email.rpartition("@")[2]))
    offer = make.offer(db, seller.expert)
    with pytest.raises(NotFound):
        queues.ask(
            db, Actor(make.person(db).id), offer_id=offer.id, starts=make.ASKED, format="remote", words="w",
            token="t",
        )  # fmt: skip


def test_the_yes_holds_the_time_outside_all_hours_for_four_hours(db: Database, clock: FakeClock) -> None:
    by, seller = make.lead(db), make.seller(db)
    for _ in range(2):  # Outside the two of a person.
        make.booking(db, by=by)
    asked = make.asked_times(db, by=by, of=seller)
    with db.transaction() as tx:  # The price is that of the yes.
        version = tx.session.get_one(OfferVersion, asked.version_id)
        version.price_minor = 150000
    clock.move(timedelta(hours=20))
    booking = take(db, seller, asked)
    assert (booking.lead_id, booking.starts_at, booking.state) == (by.person.id, SATURDAY, "held")
    assert (booking.price_minor, booking.agreed_at) == (150000, clock.now)
    assert booking.deadline == clock.now + timedelta(hours=4)
    assert booking.meeting_place == PLACE
    with db.reading() as session:
        assert session.get_one(Brief, booking.brief_id).context == asked.words
        row = session.scalars(sa.select(BookingMove).where(BookingMove.booking_id == booking.id)).one()
        assert (row.actor_kind, row.actor_id) == ("expert", seller.person.id)
        documents = session.scalars(
            sa.select(Acceptance.document).where(Acceptance.booking_id == booking.id)
        ).all()
    assert sorted(documents) == ["charter", "confidentiality", "conflict"]
    kept = read(db, asked)
    assert (kept.state, kept.booking_id, kept.deadline) == ("taken", booking.id, None)


def test_what_is_paid_then_is_accepted_at_once(db: Database, clock: FakeClock) -> None:
    by, seller = make.lead(db), make.seller(db)
    asked = make.asked_times(db, by=by, of=seller)
    booking = take(db, seller, asked)
    clock.move(timedelta(hours=3))
    with db.reading() as session:
        offer = session.get_one(make.Offer, asked.offer_id)
    made = make.Made(booking.id, by, seller, offer)
    make.write_brief(db, made)
    make.authorise(db, make.open_payment(db, made))
    assert make.read(db, made).state == "accepted"


def test_what_stands_in_the_way_is_not_taken(db: Database) -> None:
    seller = make.seller(db)
    busy = make.asked_times(db, of=seller)
    take(db, seller, busy)
    other = make.asked_times(db, of=seller)
    with pytest.raises(SlotTaken):
        take(db, seller, other)
    assert read(db, other).state == "open"
    with db.reading() as session:
        page = queues.asked_page(session, other.id)
        said = [why for _slot, why in queues.answerable(session, page, START)]
    assert said == ["busy", "", ""]
    take(db, seller, other, EVENING)


def test_too_late_for_one_of_them_is_said(db: Database, clock: FakeClock) -> None:
    seller = make.seller(db)
    near = START + timedelta(hours=76)
    asked = make.asked_times(db, of=seller, starts=[near, EVENING, NIGHT])
    clock.move(timedelta(hours=4, seconds=1))
    with pytest.raises(SlotNotOffered):
        take(db, seller, asked, near)
    with db.reading() as session:
        page = queues.asked_page(session, asked.id)
        assert [why for _slot, why in queues.answerable(session, page, clock.now)] == ["soon", "", ""]


def test_the_yes_needs_the_declarations_a_place_and_one_of_the_three(db: Database) -> None:
    seller = make.seller(db)
    asked = make.asked_times(db, of=seller)
    with pytest.raises(TermsNotAccepted):
        queues.take(db, seller.actor, times_id=asked.id, start=SATURDAY, place=PLACE, accepted=("charter",))
    with pytest.raises(MeetingPlaceMissing):
        take(db, seller, asked, place="here")
    with pytest.raises(NotFound):
        take(db, seller, asked, SATURDAY + timedelta(hours=1))


def test_an_answer_is_given_once(db: Database) -> None:
    seller = make.seller(db)
    asked = make.asked_times(db, of=seller)
    queues.decline(db, seller.actor, times_id=asked.id, words="Je suis à Séoul, voir www.moi.fr.")
    kept = read(db, asked)
    assert (kept.state, kept.answer) == ("declined", f"Je suis à Séoul, voir {MASK}")
    for again in (
        lambda: take(db, seller, asked),
        lambda: queues.decline(db, seller.actor, times_id=asked.id, words="w"),
        lambda: queues.withdraw(db, Actor(asked.lead_id), times_id=asked.id),
    ):
        with pytest.raises(QueueRefused) as over:
            again()
        assert over.value.facts == {"why": "over"}


def test_to_others_they_do_not_exist(db: Database) -> None:
    asked = make.asked_times(db)
    for actor in (make.seller(db).actor, make.lead(db).actor, make.operator(db)):
        with pytest.raises(NotFound):
            queues.decline(db, actor, times_id=asked.id, words="w")
        with pytest.raises(NotFound):
            queues.withdraw(db, actor, times_id=asked.id)
        with pytest.raises(NotFound):
            queues.take(db, actor, times_id=asked.id, start=SATURDAY, place=PLACE, accepted=make.ACCEPTED)


def test_the_clock_closes_what_nobody_answered_once(db: Database, clock: FakeClock) -> None:
    seller = make.seller(db)
    asked = make.asked_times(db, of=seller)
    clock.move(timedelta(hours=72, seconds=-1))
    assert queues.run_times_clock(db) == 0
    clock.move(timedelta(seconds=1))
    with pytest.raises(QueueRefused):
        take(db, seller, asked)
    assert [queues.run_times_clock(db), queues.run_times_clock(db)] == [1, 0]
    assert read(db, asked).state == "unanswered"


def test_lists_are_paged_and_cost_the_same(db: Database, clock: FakeClock, count_queries: object) -> None:
    seller = make.seller(db)
    made = []
    for _ in range(23):
        made.append(make.asked_times(db, of=seller).id)
        clock.move(timedelta(minutes=1))
    with db.reading() as session, count_queries() as counted:  # type: ignore[operator]
        first = queues.list_asked(session, expert_id=seller.expert.id)
        rest = queues.list_asked(session, expert_id=seller.expert.id, after=first.after)
        waiting = queues.asked_to_answer(session, seller.expert.id)
    assert counted.number == 3
    assert [row.asked.id for row in [*first.rows, *rest.rows]] == made[::-1]
    assert rest.after is None
    assert [row.asked.id for row in waiting] == made[:10]


def test_a_yes_and_a_hold_of_somebody_else_at_once_take_the_time_once(own_url: str) -> None:
    """A time in the hours: eight leads hold it while the expert says yes to it for a ninth."""
    db = Database(connect(own_url), clock=FakeClock())
    seller = make.seller(db)
    offer = make.offer(db, seller.expert)
    start = make.first_slot(db, offer.id, timedelta(days=10))
    asked = make.asked_times(db, of=seller, offer_of=offer, starts=[start, EVENING, NIGHT])
    leads, barrier, lost = [make.lead(db) for _ in range(8)], threading.Barrier(9), []

    def hold(by: make.Lead) -> None:
        barrier.wait()
        try:
            bookings.hold(db, by.actor, offer=offer.id, start=start, format="remote", token="t")
        except SlotTaken:
            lost.append(by)

    def say_yes() -> None:
        barrier.wait()
        try:
            take(db, seller, asked, start)
        except SlotTaken:
            lost.append(seller)

    threads = [threading.Thread(target=hold, args=(by,)) for by in leads]
    threads.append(threading.Thread(target=say_yes))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with db.reading() as session:
        held = session.scalar(sa.select(sa.func.count()).select_from(Booking))
    db.engine.dispose()  # type: ignore[union-attr]
    assert (held, len(lost)) == (1, 8)
