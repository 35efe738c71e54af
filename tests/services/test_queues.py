"""Places in the queue: who joins, who is given what frees, in which order, and what becomes of it."""

from __future__ import annotations

import random
import threading
import uuid
from datetime import date, datetime, timedelta
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.domain import deadlines
from marketplace.domain.bookings import Move
from marketplace.domain.errors import NoMoreExtensions, NotFound, OwnOffer, QueueRefused, RescheduleRefused
from marketplace.domain.events import PlaceMoved
from marketplace.domain.policy import Actor
from marketplace.services import bookings, queues
from marketplace.services.bookings.rescheduling import answer_proposal, propose, withdraw_proposal
from marketplace.services.reactions import WITHIN
from marketplace.storage.availability import Calendar, Claim
from marketplace.storage.bookings import Booking, BookingMove, Proposal
from marketplace.storage.companies import Membership
from marketplace.storage.db import Database, connect
from marketplace.storage.queues import QueuePlace
from tests import factories as make
from tests.clock import START, FakeClock

# The one day this expert works: a Friday with room for one session of three hours.
DAY = date(2026, 12, 11)
SLOT = datetime(2026, 12, 11, 8, 0, tzinfo=START.tzinfo)
HOURS = [{"day": "2026-12-11", "ranges": [["09:00", "12:00"]]}]


def one_day(db: Database, *days: tuple[str, str, str]) -> make.Seller:
    """An expert who works on these days only (day, from, to); by default on one, for one session."""
    seller = make.seller(db)
    with db.transaction() as tx:
        calendar = tx.session.get_one(Calendar, seller.expert.id)
        calendar.weekly = []
        calendar.dated = [{"day": day, "ranges": [[begin, end]]} for day, begin, end in days] or HOURS
    return seller


@pytest.fixture
def heard(db: Database) -> list[PlaceMoved]:
    """What is announced of places; all else follows as it does."""
    found: list[PlaceMoved] = []
    db.reactions = SimpleNamespace(
        within={**WITHIN, PlaceMoved: (lambda tx, event: found.append(event),)}, after={}
    )
    return found


def join(
    db: Database, by: make.Lead, offer: make.Offer, first: date = DAY, last: date = DAY, token: str = "t"
) -> QueuePlace:
    return queues.join(
        db, by.actor, offer_id=offer.id, first=first, last=last, zone="Europe/Paris", format="remote",
        token=token,
    )  # fmt: skip


def read(db: Database, place: QueuePlace) -> QueuePlace:
    with db.reading() as session:
        return session.get_one(QueuePlace, place.id)


def booking_of(db: Database, place: QueuePlace) -> Booking:
    with db.reading() as session:
        found = session.get_one(QueuePlace, place.id).booking_id
        assert found is not None
        return session.get_one(Booking, found)


def let_go(db: Database, made: make.Made) -> None:
    bookings.let_go(db, made.lead.actor, booking_id=made.id, token=str(uuid.uuid4()))


def full(db: Database) -> tuple[make.Seller, make.Offer, make.Made]:
    """An offer whose only slot somebody holds."""
    seller = one_day(db)
    offer = make.offer(db, seller.expert)
    return seller, offer, make.booking(db, of=seller, offer_of=offer, days_ahead=1)


def test_what_frees_is_held_four_hours_for_the_first_who_waits(
    db: Database, clock: FakeClock, heard: list[PlaceMoved]
) -> None:
    seller, offer, held = full(db)
    first, second = make.lead(db), make.lead(db)
    places = [join(db, first, offer)]
    clock.move(timedelta(minutes=1))
    places.append(join(db, second, offer))
    assert queues.serve(db, seller.expert.id) == 0
    let_go(db, held)
    assert queues.serve_of_booking(db, held.id) == 1
    assert [read(db, one).state for one in places] == ["offered", "waiting"]
    booking = booking_of(db, places[0])
    assert (booking.lead_id, booking.starts_at, booking.state) == (first.person.id, SLOT, "held")
    assert booking.deadline == clock.now + timedelta(hours=4)
    assert heard == [PlaceMoved(places[0].id, "offered")]
    with db.reading() as session:
        row = session.scalars(sa.select(BookingMove).where(BookingMove.booking_id == booking.id)).one()
    assert (row.move, row.actor_kind, row.actor_id) == (Move.HOLD.value, "queue", None)
    assert queues.serve(db, seller.expert.id) == 0


def test_a_hold_of_the_queue_is_not_extended_and_outside_the_two(
    db: Database, clock: FakeClock, heard: list[PlaceMoved]
) -> None:
    seller, offer, held = full(db)
    by = make.lead(db)
    for _ in range(2):
        make.booking(db, by=by)
    place = join(db, by, offer)
    let_go(db, held)
    queues.serve(db, seller.expert.id)
    booking = booking_of(db, place)
    with pytest.raises(NoMoreExtensions):
        bookings.extend(db, by.actor, booking_id=booking.id, token="e")
    # Its own end is its last instant to pay: payment may be opened long after the two hours of others.
    clock.move(timedelta(hours=3))
    made = make.Made(booking.id, by, seller, offer)
    make.write_brief(db, made)
    make.authorise(db, make.open_payment(db, made))
    assert make.read(db, made).state == "requested"
    assert read(db, place).state == "taken"


@pytest.mark.parametrize("how", ["let go", "run out"])
def test_gone_by_it_is_the_next_ones_turn(
    db: Database, clock: FakeClock, heard: list[PlaceMoved], provider: object, how: str
) -> None:
    seller, offer, held = full(db)
    leads = [make.lead(db) for _ in range(3)]
    places = []
    for number, by in enumerate(leads):
        places.append(join(db, by, offer, token=f"t{number}"))
        clock.move(timedelta(minutes=1))
    let_go(db, held)
    for number in range(3):
        assert queues.serve(db, seller.expert.id) == 1
        booking = booking_of(db, places[number])
        assert booking.lead_id == leads[number].person.id
        if how == "let go":
            bookings.let_go(db, leads[number].actor, booking_id=booking.id, token="g")
        else:
            clock.move(timedelta(hours=4))
            assert bookings.run_clock(db, provider) == 1  # type: ignore[arg-type]
    assert queues.serve(db, seller.expert.id) == 0
    assert [read(db, one).state for one in places] == ["passed"] * 3
    # Who let it go by may join again, at the end.
    with pytest.raises(QueueRefused) as free:
        join(db, leads[0], offer, token="again")
    assert free.value.facts["nearest"] == [(SLOT, SLOT + timedelta(hours=3))]


def test_whose_dates_do_not_fit_waits_on(db: Database, clock: FakeClock, heard: list[PlaceMoved]) -> None:
    seller, offer, held = full(db)
    early = join(db, make.lead(db), offer, date(2026, 12, 1), date(2026, 12, 10))
    fits = join(db, make.lead(db), offer, date(2026, 12, 11), date(2027, 1, 31), token="b")
    let_go(db, held)
    assert queues.serve(db, seller.expert.id) == 1
    assert [read(db, one).state for one in (early, fits)] == ["waiting", "offered"]


def test_a_slot_without_its_notice_is_given_to_nobody(
    db: Database, clock: FakeClock, heard: list[PlaceMoved]
) -> None:
    seller, offer, held = full(db)  # 72 hours of notice.
    place = join(db, make.lead(db), offer)
    clock.move_to(SLOT - timedelta(hours=71))
    let_go(db, held)
    assert queues.serve(db, seller.expert.id) == 0
    assert read(db, place).state == "waiting"


def test_new_hours_are_given_too(db: Database, heard: list[PlaceMoved]) -> None:
    seller, offer, _held = full(db)
    place = join(db, make.lead(db), offer, DAY, date(2026, 12, 14))
    with db.transaction() as tx:
        tx.session.get_one(Calendar, seller.expert.id).dated = [
            *HOURS, {"day": "2026-12-14", "ranges": [["09:00", "12:00"]]},
        ]  # fmt: skip
    assert queues.serve_due(db) == 1
    assert booking_of(db, place).starts_at.date() == date(2026, 12, 14)


def test_where_a_slot_is_free_nobody_waits(db: Database) -> None:
    seller = one_day(db)
    offer = make.offer(db, seller.expert)
    with pytest.raises(QueueRefused) as refused:
        join(db, make.lead(db), offer)
    assert refused.value.facts == {"why": "free", "nearest": [(SLOT, SLOT + timedelta(hours=3))]}
    # Nor beside the free one: an offer is full, or it is not.
    with pytest.raises(QueueRefused):
        join(db, make.lead(db), offer, date(2026, 12, 20), date(2026, 12, 21))


@pytest.mark.parametrize(
    ("first", "last", "why"),
    [
        (date(2026, 12, 12), date(2026, 12, 11), "order"),
        (date(2026, 11, 20), date(2026, 11, 23), "past"),
        (date(2026, 12, 11), date(2027, 6, 1), "far"),
    ],
)
def test_dates_that_make_no_sense_are_refused(db: Database, first: date, last: date, why: str) -> None:
    _seller, offer, _held = full(db)
    with pytest.raises(QueueRefused) as refused:
        join(db, make.lead(db), offer, first, last)
    assert refused.value.facts["why"] == why


def test_one_place_an_offer_five_a_person_and_a_form_counts_once(db: Database) -> None:
    by = make.lead(db)
    offers = [full(db)[1] for _ in range(6)]
    one = join(db, by, offers[0])
    assert join(db, by, offers[0]).id == one.id
    with pytest.raises(QueueRefused) as twice:
        join(db, by, offers[0], token="other")
    assert twice.value.facts == {"why": "twice"}
    for number, offer in enumerate(offers[1:5]):
        join(db, by, offer, token=f"n{number}")
    with pytest.raises(QueueRefused) as many:
        join(db, by, offers[5], token="sixth")
    assert many.value.facts == {"why": "many_places", "limit": 5}
    queues.leave(db, by.actor, place_id=one.id)
    join(db, by, offers[5], token="sixth")


def test_nobody_waits_for_themselves_and_only_leads_wait(db: Database) -> None:
    seller, offer, _held = full(db)
    with pytest.raises(OwnOffer):
        join(db, make.lead(db, domain=seller.person.email.rpartition("@")[2]), offer)
    with pytest.raises(NotFound):
        queues.join(
            db, Actor(make.person(db).id), offer_id=offer.id, first=DAY, last=DAY, zone="Europe/Paris",
            format="remote", token="t",
        )  # fmt: skip


def test_who_left_is_passed_over_and_a_place_is_its_leads_own(
    db: Database, clock: FakeClock, heard: list[PlaceMoved]
) -> None:
    seller, offer, held = full(db)
    by, other = make.lead(db), make.lead(db)
    mine, theirs = join(db, by, offer), join(db, other, offer)
    for stranger in (other.actor, seller.actor, make.operator(db)):
        with pytest.raises(NotFound):
            queues.leave(db, stranger, place_id=mine.id)
    queues.leave(db, by.actor, place_id=mine.id)
    assert queues.leave(db, by.actor, place_id=mine.id).state == "left"
    let_go(db, held)
    assert queues.serve(db, seller.expert.id) == 1
    assert [read(db, one).state for one in (mine, theirs)] == ["left", "offered"]
    with pytest.raises(QueueRefused) as over:
        queues.leave(db, other.actor, place_id=theirs.id)
    assert over.value.facts == {"why": "over"}


def test_a_place_ends_with_its_last_day(db: Database, clock: FakeClock, heard: list[PlaceMoved]) -> None:
    _seller, offer, _held = full(db)
    place = join(db, make.lead(db), offer, date(2026, 12, 1), date(2026, 12, 2))
    clock.move_to(datetime(2026, 12, 2, 22, 59, 59, tzinfo=START.tzinfo))
    assert queues.run_clock(db) == 0
    clock.move(timedelta(seconds=1))
    assert [queues.run_clock(db), queues.run_clock(db)] == [1, 0]
    assert read(db, place).state == "ended"
    assert heard == [PlaceMoved(place.id, "ended")]


def test_who_leads_nowhere_any_more_makes_room(
    db: Database, clock: FakeClock, heard: list[PlaceMoved]
) -> None:
    seller, offer, held = full(db)
    by = make.lead(db)
    gone = join(db, by, offer)
    clock.move(timedelta(minutes=1))
    after = join(db, make.lead(db), offer)
    with db.transaction() as tx:
        tx.session.execute(sa.delete(Membership).where(Membership.person_id == by.person.id))
    let_go(db, held)
    assert queues.serve(db, seller.expert.id) == 2  # One closed, one given.
    assert [read(db, one).state for one in (gone, after)] == ["gone", "offered"]


def test_while_an_offer_cannot_be_booked_all_wait(db: Database, heard: list[PlaceMoved]) -> None:
    seller, offer, held = full(db)
    place = join(db, make.lead(db), offer)
    let_go(db, held)
    with db.transaction() as tx:
        tx.session.get_one(type(offer), offer.id).status = "closed"
    assert queues.serve(db, seller.expert.id) == 0
    with db.transaction() as tx:
        tx.session.get_one(type(offer), offer.id).status = "live"
    assert queues.serve(db, seller.expert.id) == 1
    assert read(db, place).state == "offered"


# With a later booking: another time is proposed for it.

TWO = (("2026-12-11", "09:00", "12:00"), ("2026-12-18", "09:00", "12:00"))


@pytest.fixture
def later(db: Database) -> tuple[make.Seller, make.Offer, make.Made, make.Made]:
    """Both days of an expert taken: the first by somebody who holds it, the second by a confirmed booking."""
    seller = one_day(db, *TWO)
    offer = make.offer(db, seller.expert)
    held = make.booking(db, of=seller, offer_of=offer, days_ahead=1)
    booked = make.booking(db, state="confirmed", of=seller, offer_of=offer, days_ahead=1)
    return seller, offer, held, booked


def test_who_has_a_later_booking_is_given_the_slot_as_another_time_for_it(
    db: Database, heard: list[PlaceMoved], later: tuple[make.Seller, make.Offer, make.Made, make.Made]
) -> None:
    seller, offer, held, booked = later
    place = join(db, booked.lead, offer, date(2026, 12, 1), date(2026, 12, 31))
    assert place.ends_at == make.read(db, booked).starts_at  # Nobody swaps for a later one.
    let_go(db, held)
    assert queues.serve(db, seller.expert.id) == 1
    with db.reading() as session:
        kept = session.get_one(QueuePlace, place.id)
        proposal = session.scalars(sa.select(Proposal)).one()
        assert session.scalar(sa.select(sa.func.count()).select_from(Booking)) == 2
    assert (kept.state, kept.proposal_id, kept.booking_id) == ("offered", proposal.id, None)
    assert (proposal.by, proposal.booking_id, proposal.starts_at) == ("lead", booked.id, SLOT)
    answer_proposal(db, seller.actor, proposal_id=proposal.id, side="expert", accept=True, token="yes")
    assert make.read(db, booked).starts_at == SLOT
    assert read(db, place).state == "taken"


@pytest.mark.parametrize("how", ["refused", "withdrawn", "over"])
def test_a_swap_that_comes_to_nothing_makes_room_for_the_next(
    db: Database,
    clock: FakeClock,
    heard: list[PlaceMoved],
    provider: object,
    later: tuple[make.Seller, make.Offer, make.Made, make.Made],
    how: str,
) -> None:
    seller, offer, held, booked = later
    place = join(db, booked.lead, offer)
    clock.move(timedelta(minutes=1))
    waiting = join(db, make.lead(db), offer)
    let_go(db, held)
    assert queues.serve(db, seller.expert.id) == 1
    proposal_id = read(db, place).proposal_id
    assert proposal_id is not None
    if how == "refused":
        answer_proposal(db, seller.actor, proposal_id=proposal_id, side="expert", accept=False, token="n")
    elif how == "withdrawn":
        withdraw_proposal(db, booked.lead.actor, proposal_id=proposal_id, side="lead", token="w")
    else:
        clock.move(timedelta(hours=48))
        bookings.run_clock(db, provider)  # type: ignore[arg-type]
    assert read(db, place).state == "passed"
    assert queues.serve(db, seller.expert.id) == 1
    assert booking_of(db, waiting).starts_at == SLOT


def test_while_another_time_is_proposed_one_waits_on(
    db: Database, heard: list[PlaceMoved], later: tuple[make.Seller, make.Offer, make.Made, make.Made]
) -> None:
    seller, offer, held, booked = later
    place = join(db, booked.lead, offer)
    with db.transaction() as tx:
        calendar = tx.session.get_one(Calendar, seller.expert.id)
        calendar.dated = [*calendar.dated, {"day": "2026-12-21", "ranges": [["09:00", "12:00"]]}]
    mine = propose(
        db, booked.lead.actor, booking_id=booked.id, side="lead", token="p",
        start=datetime(2026, 12, 21, 8, tzinfo=START.tzinfo),
    )  # fmt: skip
    let_go(db, held)
    assert queues.serve(db, seller.expert.id) == 0
    withdraw_proposal(db, booked.lead.actor, proposal_id=mine.id, side="lead", token="w")
    assert queues.serve(db, seller.expert.id) == 1
    assert read(db, place).state == "offered"


def test_a_booking_that_can_be_moved_no_more_is_no_ground_to_wait(
    db: Database, heard: list[PlaceMoved], later: tuple[make.Seller, make.Offer, make.Made, make.Made]
) -> None:
    seller, offer, held, booked = later
    with db.transaction() as tx:
        calendar = tx.session.get_one(Calendar, seller.expert.id)
        calendar.dated = [*calendar.dated, {"day": "2026-12-21", "ranges": [["09:00", "12:00"]]}]
    place = join(db, booked.lead, offer)
    for number in range(3):
        one = propose(
            db, booked.lead.actor, booking_id=booked.id, side="lead", token=f"p{number}",
            start=datetime(2026, 12, 21, 8, tzinfo=START.tzinfo),
        )  # fmt: skip
        withdraw_proposal(db, booked.lead.actor, proposal_id=one.id, side="lead", token=f"w{number}")
    let_go(db, held)
    queues.serve(db, seller.expert.id)
    assert read(db, place).state == "gone"
    with pytest.raises(RescheduleRefused):
        join(db, booked.lead, offer, token="again")


# Random histories.


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(chance=st.randoms(use_true_random=False))
def test_first_come_first_served_and_never_two_holds_of_a_slot(
    db: Database, clock: FakeClock, chance: random.Random
) -> None:
    """Random joining, leaving, freeing, letting go and running out: at each step the one who is given a slot is
    the first by time of joining whose dates fit it; no slot is held twice; whoever waits for a free slot has it."""
    start = clock.now.date()
    days = [start + timedelta(days=ahead) for ahead in range(10, 16)]
    seller = one_day(db, *((day.isoformat(), "09:00", "12:00") for day in days))
    offer = make.offer(db, seller.expert)
    taken = [make.booking(db, of=seller, offer_of=offer, days_ahead=1) for _ in days]
    with db.transaction() as tx:  # Theirs stand for the whole history.
        tx.session.execute(
            sa.update(Booking).where(Booking.expert_id == seller.expert.id).values(deadline=None)
        )
    for step in range(14):
        clock.move(timedelta(minutes=chance.randint(1, 50)))
        act = chance.choice(["join", "join", "join", "free", "free", "leave", "let go", "run out"])
        places = _all(db, seller)
        if act == "join":
            first = chance.choice(days)
            try:
                join(
                    db, make.lead(db), offer, first, first + timedelta(days=chance.randint(0, 3)), f"s{step}"
                )
            except QueueRefused as refusal:
                assert refusal.facts["why"] == "free"
        elif act == "free" and taken:
            let_go(db, taken.pop(chance.randrange(len(taken))))
        elif act == "leave" and (waiting := [one for one in places if one.state == "waiting"]):
            one = chance.choice(waiting)
            queues.leave(db, Actor(one.lead_id), place_id=one.id)
        elif act in ("let go", "run out") and (given := [one for one in places if one.state == "offered"]):
            one = chance.choice(given)
            assert one.booking_id is not None
            if act == "let go":
                bookings.let_go(db, Actor(one.lead_id), booking_id=one.booking_id, token="g")
            else:
                clock.move(deadlines.QUEUE_HOLD)
                bookings.run_clock(db, None)  # type: ignore[arg-type]
        _serve_and_look(db, seller, offer)


def _all(db: Database, seller: make.Seller) -> list[QueuePlace]:
    with db.reading() as session:
        mine = sa.select(QueuePlace).where(QueuePlace.expert_id == seller.expert.id)
        return list(session.scalars(mine.order_by(QueuePlace.joined_at, QueuePlace.id)))


def _serve_and_look(db: Database, seller: make.Seller, offer: make.Offer) -> None:
    before = {one.id: one for one in _all(db, seller)}
    free = _free(db, offer)
    queues.serve(db, seller.expert.id)
    # What the law says: place by place, the earliest free slot within the dates.
    expected: dict[uuid.UUID, datetime] = {}
    for one in before.values():
        if one.state == "waiting":
            fits = [slot for slot in free if one.begins_at <= slot < one.ends_at]
            if fits:
                expected[one.id] = fits[0]
                free.remove(fits[0])
    with db.reading() as session:
        given = {
            place.id: session.get_one(Booking, place.booking_id).starts_at
            for place in session.scalars(
                sa.select(QueuePlace).where(QueuePlace.expert_id == seller.expert.id)
            )
            if place.state == "offered" and before[place.id].state == "waiting"
        }
        live = session.scalars(
            sa.select(Claim.starts_at).where(Claim.live, Claim.expert_id == seller.expert.id)
        ).all()
        holds = session.scalars(
            sa.select(Booking.lead_id).where(
                Booking.state == "held", Booking.queued_at.is_not(None), Booking.expert_id == seller.expert.id
            )
        ).all()
    assert given == expected
    assert len(set(live)) == len(live)
    assert len(set(holds)) == len(holds)
    assert _free(db, offer) == free


def _free(db: Database, offer: make.Offer) -> list[datetime]:
    now = db.clock()
    with db.reading() as session:
        found = make.free_for_offer(session, offer.id, window=(now, now + timedelta(days=60)), now=now)
    return [start for start, _end in found.slots]


def test_eight_workers_at_one_freed_slot_give_it_once(own_url: str) -> None:
    db = Database(connect(own_url), clock=FakeClock())
    seller, offer, held = full(db)
    places = [join(db, make.lead(db), offer) for _ in range(4)]
    let_go(db, held)
    start, failed = threading.Barrier(8), []

    def work() -> None:
        start.wait()
        try:
            queues.serve(db, seller.expert.id)
        except Exception as broken:
            failed.append(broken)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    states = [read(db, one).state for one in places]
    db.engine.dispose()  # type: ignore[union-attr]
    assert failed == []
    assert states == ["offered", "waiting", "waiting", "waiting"]
