"""Both sides at the same moment, on connections of their own: one of them wins, and all records agree on who."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import sqlalchemy as sa

from marketplace.domain.errors import MoveNotOpen, Refusal, RescheduleOver, RescheduleRefused, SlotTaken
from marketplace.services import bookings
from marketplace.services.reactions import REACTIONS
from marketplace.storage.availability import Claim
from marketplace.storage.bookings import BookingMove, Proposal
from marketplace.storage.db import Database, connect
from tests import factories as make
from tests.clock import FakeClock
from tests.services.test_rescheduling import actor_of, answer, choice, later, propose, read, repick, withdraw


@pytest.fixture
def own(own_url: str) -> Iterator[Database]:
    db = Database(connect(own_url), clock=FakeClock(), reactions=REACTIONS)
    yield db
    db.engine.dispose()  # type: ignore[union-attr]


def at_once(*acts: Callable[[], object]) -> list[Refusal | None]:
    """Run them together; what each was refused with."""
    found: list[Refusal | None] = [None] * len(acts)
    gate = threading.Barrier(len(acts))

    def run(place: int, act: Callable[[], object]) -> None:
        gate.wait()
        try:
            act()
        except Refusal as refusal:
            found[place] = refusal

    threads = [threading.Thread(target=run, args=(place, act)) for place, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def moves(db: Database, made: make.Made) -> list[str]:
    with db.reading() as session:
        return list(session.scalars(sa.select(BookingMove.move).where(BookingMove.booking_id == made.id)))


def live(db: Database, made: make.Made) -> list[Claim]:
    with db.reading() as session:
        return list(session.scalars(sa.select(Claim).where(Claim.booking_id == made.id, Claim.live)))


def test_accepted_and_withdrawn_at_once(own: Database) -> None:
    for _ in range(4):
        made = make.booking(own, state="confirmed")
        proposal = propose(own, made, "lead")
        accepted, withdrawn = at_once(
            lambda made=made, proposal=proposal: answer(own, made, "expert", proposal, True),  # type: ignore[misc]
            lambda made=made, proposal=proposal: withdraw(own, made, "lead", proposal),  # type: ignore[misc]
        )
        assert [type(one) for one in (accepted, withdrawn) if one] == [RescheduleOver]
        won = accepted is None
        assert read(own, proposal).state == ("accepted" if won else "withdrawn")
        assert ("reschedule" in moves(own, made), "reschedule_withdrawn" in moves(own, made)) == (
            won,
            not won,
        )
        booking = make.read(own, made)
        assert (booking.starts_at == proposal.starts_at) is won
        assert [claim.starts_at for claim in live(own, made)] == [booking.starts_at]


def test_accepted_and_cancelled_at_once(own: Database) -> None:
    for _ in range(4):
        made = make.booking(own, state="confirmed")
        proposal = propose(own, made, "lead")

        def cancel(made: make.Made = made) -> None:
            bookings.cancel(
                own,
                made.lead.actor,
                booking_id=made.id,
                side="lead",
                reason="",
                expected_minor=None,
                token="c",
            )

        accepted, cancelled = at_once(
            lambda made=made, proposal=proposal: answer(own, made, "expert", proposal, True),  # type: ignore[misc]
            cancel,
        )
        # Whoever cancels second cancels the new time; who accepts second is told that it is closed.
        assert cancelled is None
        assert accepted is None or isinstance(accepted, RescheduleOver)
        assert read(own, proposal).state == ("accepted" if accepted is None else "closed")
        assert make.read(own, made).state == "cancelled"
        assert live(own, made) == []


def test_both_sides_propose_at_once(own: Database) -> None:
    made = make.booking(own, state="confirmed")
    starts = {side: choice(own, made, side)[-1] for side in ("lead", "expert")}
    found = at_once(*(lambda side=side: propose(own, made, side, starts[side]) for side in starts))  # type: ignore[misc]
    assert [type(one) for one in found if one] == [RescheduleRefused]
    assert len(live(own, made)) == 2
    with own.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Proposal)) == 1


def test_a_proposal_and_eight_holds_take_a_slot_once(own: Database) -> None:
    made = make.booking(own, state="confirmed")
    start = choice(own, made, "lead")[-1]
    leads = [make.lead(own) for _ in range(8)]
    found = at_once(
        lambda: propose(own, made, "lead", start),
        *(
            lambda by=by: bookings.hold(  # type: ignore[misc]
                own, by.actor, offer=made.offer.id, start=start, format="remote", token="t"
            )
            for by in leads
        ),
    )
    assert [type(one) for one in found if one] == [SlotTaken] * 8
    assert all(len(one.facts["nearest"]) == 3 for one in found if one)
    with own.reading() as session:
        taken = session.scalars(sa.select(Claim).where(Claim.live, Claim.starts_at == start)).all()
    assert len(taken) == 1


def test_two_holds_that_swap_slots_never_wait_for_each_other_in_a_circle(own: Database) -> None:
    first = make.booking(own)
    second = make.booking(own, of=first.seller, offer_of=first.offer, days_ahead=14)
    free = later(own, first, timedelta(days=6))
    found = at_once(
        lambda: repick(own, first, make.read(own, second).starts_at),
        lambda: repick(own, second, free),
        lambda: bookings.let_go(own, second.lead.actor, booking_id=second.id, token="l"),
    )
    assert all(one is None or isinstance(one, SlotTaken | MoveNotOpen) for one in found)
    assert [claim.starts_at for claim in live(own, first)] == [make.read(own, first).starts_at]
    assert live(own, second) == []


def test_the_sweep_and_an_answer_at_the_last_instant(own: Database) -> None:
    made = make.booking(own, state="confirmed", days_ahead=20)
    proposal = propose(own, made, "lead")
    late = Database(own.engine, clock=lambda: proposal.until, reactions=REACTIONS)
    found = at_once(
        lambda: bookings.run_clock(late, None),  # type: ignore[arg-type]
        lambda: bookings.answer_proposal(
            own, actor_of(made, "expert"), proposal_id=proposal.id, side="expert", accept=True, token="a"
        ),
    )
    won = found[1] is None
    assert read(own, proposal).state == ("accepted" if won else "over")
    assert len(live(own, made)) == 1
    assert moves(own, made).count("reschedule") + moves(own, made).count("reschedule_over") == 1
