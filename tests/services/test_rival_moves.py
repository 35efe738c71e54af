"""Every ordered pair of rival moves on one booking, at the same moment, on real connections.

Both wait at the calendar's lock, so that the first is the first for sure; once more they start together
and the machine decides. Whatever happens, the history is one that the table allows, each move that was
made stands in it once, each that was not was refused by name, and claims and books say the same.

Built from `domain.bookings.MOVES`: a new move without a walker here fails.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from marketplace.domain.bookings import MOVES, Move, State, claims_slot, next_state, open_moves
from marketplace.domain.errors import MoveNotOpen, Refusal
from marketplace.domain.policy import Actor
from marketplace.gateways.payments import ChargebackState, PaymentSeen, PaymentState
from marketplace.services import approvals, bookings, disputes, ledger
from marketplace.services.bookings.clockwork import _run_one
from marketplace.services.disputes import Words
from marketplace.services.reactions import REACTIONS
from marketplace.storage.availability import Claim
from marketplace.storage.bookings import Booking, BookingMove
from marketplace.storage.db import Database, connect
from marketplace.storage.payments import Payment
from tests import database as databases
from tests import factories as make
from tests.clock import FakeClock
from tests.services.test_approvals import approver_of

_count = itertools.count(1)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TOLD = "The video broke down after an hour and never came back."
# A second operator is asked for from nothing on upwards: never here.
LIMIT = 10_000_000


class Provider:
    """The payment provider as the clock finds it: the money is still only authorised."""

    def payment(self, **_asked: Any) -> PaymentSeen:
        return PaymentSeen(state=PaymentState.AUTHORISED, amount_minor=0, currency="EUR")


@dataclass
class Scene:
    """A booking in a state, with everybody who may move it, and a clock for each mover."""

    engine: sa.Engine
    clock: FakeClock
    made: make.Made
    operator: Actor
    other: Actor
    payment: Payment | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    def db(self, clock: Callable[[], datetime] | None = None) -> Database:
        return Database(self.engine, clock=clock or self.clock, reactions=REACTIONS)

    @property
    def booking(self) -> Booking:
        return make.read(self.db(), self.made)

    def actor(self, side: str) -> Actor:
        return {"lead": self.made.lead.actor, "expert": self.made.seller.actor, "operator": self.operator}[
            side
        ]


def token() -> str:
    return f"rival{next(_count)}"


@dataclass(frozen=True)
class Walker:
    """How one move is made. `at`: its own clock, from the booking; `ready`: what must stand before the race."""

    move: Move
    run: Callable[[Scene, Database], object]
    at: Callable[[Scene], datetime] = lambda scene: scene.clock()
    ready: Callable[[Scene], None] = lambda scene: None
    name: str = ""

    def __str__(self) -> str:
        return self.name or self.move.value


# --- Walkers -----------------------------------------------------------------------------------


def _by_side(move: Callable[..., object], who: str, /, **more: Any) -> Callable[[Scene, Database], object]:
    return lambda scene, db: move(db, scene.actor(who), booking_id=scene.made.id, token=token(), **more)


def _open(scene: Scene) -> None:
    if scene.payment is None:
        make.write_brief(scene.db(), scene.made)
        make.open_payment(scene.db(), scene.made)
        scene.payment = make.payment_of(scene.db(), scene.made)


def _provider(state: PaymentState, **more: Any) -> Callable[[Scene, Database], object]:
    def say(scene: Scene, db: Database) -> None:
        make.provider_says(db, make.payment_of(db, scene.made).id, state, **more)

    return say


def _clock(scene: Scene, db: Database) -> None:
    _run_one(db, Provider(), scene.made.id)  # type: ignore[arg-type]


def _after_deadline(extra: timedelta = timedelta(0)) -> Callable[[Scene], datetime]:
    def when(scene: Scene) -> datetime:
        deadline = scene.booking.deadline
        return scene.clock() if deadline is None else deadline + extra

    return when


def _pick(scene: Scene, db: Database) -> None:
    start = make.first_slot(db, scene.made.offer.id, timedelta(days=14))
    bookings.pick_another_slot(
        db, scene.actor("lead"), booking_id=scene.made.id, start=start, platform=make.PLATFORM, token=token()
    )


def _propose(scene: Scene) -> None:
    db = scene.db()
    start = make.first_slot(db, scene.made.offer.id, timedelta(days=14))
    proposal = bookings.propose(
        db, scene.actor("expert"), booking_id=scene.made.id, side="expert", start=start, token=token()
    )
    scene.facts["proposal"] = proposal.id


def _contested(scene: Scene) -> None:
    make.bank_says(scene.db(), make.payment_of(scene.db(), scene.made).id, ChargebackState.OPEN)


def _propose_another(scene: Scene) -> None:
    db = scene.db()
    start = make.first_slot(db, scene.made.offer.id, timedelta(days=7))
    proposal = disputes.propose_another(
        db, scene.actor("expert"), booking_id=scene.made.id, side="expert", start=start, token=token()
    )
    scene.facts["proposal"] = proposal.id


def _reschedule(scene: Scene, db: Database) -> None:
    bookings.answer_proposal(
        db, scene.actor("lead"), proposal_id=scene.facts["proposal"], side="lead", accept=True, token=token()
    )


def _report(side: str, kind: str = "quality") -> Callable[[Scene, Database], object]:
    return _by_side(disputes.report, side, side=side, said=Words(TOLD, 60, kind=kind))


def _report_at(scene: Scene) -> datetime:
    """While it is confirmed, from its start on; of one called off, until its kept share falls due."""
    booking = scene.booking
    return booking.starts_at + HOUR if booking.state == State.CONFIRMED else scene.clock()


def _rule(scene: Scene) -> None:
    """The company's rule asks an approver from here on."""
    if "approver" not in scene.facts:
        make.write_brief(scene.db(), scene.made)
        scene.facts["approver"] = approver_of(scene.db(), scene.made.lead)
        approvals.set_rule(scene.db(), scene.made.lead.actor, kind="always")


def _approver(move: Callable[..., object], /, **more: Any) -> Callable[[Scene, Database], object]:
    return lambda scene, db: move(
        db, scene.facts["approver"], booking_id=scene.made.id, token=token(), **more
    )


def _decide(scene: Scene, db: Database) -> None:
    disputes.decide(
        db, scene.operator, booking_id=scene.made.id, share=30, reason_lead="to the lead",
        reason_expert="to the expert", second_above=LIMIT, token=token(),
    )  # fmt: skip


def _refund(scene: Scene, db: Database) -> None:
    disputes.refund_later(
        db, scene.operator, booking_id=scene.made.id, amount_minor=1000, borne_by="us", reason="goodwill",
        second_above=LIMIT, token=token(),
    )  # fmt: skip


def _posted(scene: Scene) -> None:
    """A cancelled booking's kept share has fallen due: refunds are open from then on."""
    if scene.booking.state == State.CANCELLED and scene.booking.share_posted_at is None:
        scene.clock.move_to(scene.booking.deadline)  # type: ignore[arg-type]
        _clock(scene, scene.db())


def _other_accepts(scene: Scene) -> None:
    disputes.accept_decision(
        scene.db(), scene.actor("expert"), booking_id=scene.made.id, side="expert", token=token()
    )


CANCEL = {"reason": "it must be", "expected_minor": None}
WALKERS: tuple[Walker, ...] = (
    Walker(Move.PICK_ANOTHER_SLOT, _pick),
    Walker(Move.EXTEND, _by_side(bookings.extend, "lead")),
    Walker(Move.OPEN_PAYMENT, lambda scene, db: make.open_payment(db, scene.made),
           ready=lambda scene: make.write_brief(scene.db(), scene.made)),
    Walker(
        Move.ASK_APPROVAL,
        _by_side(bookings.ask_approval, "lead", accepted=make.DOCUMENTS, platform=make.PLATFORM),
        ready=_rule,
    ),
    Walker(Move.APPROVE, _approver(bookings.approve)),
    Walker(Move.REFUSE, _approver(bookings.refuse, reason="not this year")),
    Walker(Move.COMMIT, _provider(PaymentState.AUTHORISED), ready=_open),
    Walker(Move.LET_GO, _by_side(bookings.let_go, "lead")),
    Walker(Move.RUN_OUT, _clock, at=_after_deadline(HOUR)),
    Walker(Move.PAYMENT_ARRIVED, _provider(PaymentState.AUTHORISED)),
    Walker(Move.ACCEPT, lambda scene, db: bookings.accept(
        db, scene.actor("expert"), booking_id=scene.made.id, accepted=make.ACCEPTED,
        place="https://meet.example.com/x", token=token())),
    Walker(Move.DECLINE, _by_side(bookings.decline, "expert", reason="no_time")),
    Walker(Move.WITHDRAW, _by_side(bookings.withdraw, "lead")),
    Walker(Move.CAPTURED, _provider(PaymentState.CAPTURED, provider_fee_minor=2315)),
    Walker(Move.NOT_CAPTURED, _provider(PaymentState.RELEASED)),
    Walker(Move.STOP, _by_side(bookings.stop, "operator", reason="it must be")),
    *(Walker(Move.CANCEL, _by_side(bookings.cancel, side, side=side, **CANCEL), name=f"cancel_as_{side}")
      for side in ("lead", "expert", "operator")),
    Walker(Move.CHARGEBACK_LOST, lambda scene, db: make.bank_says(
        db, make.payment_of(db, scene.made).id, ChargebackState.LOST), ready=_contested),
    Walker(Move.RESCHEDULE, _reschedule, ready=_propose),
    Walker(Move.END_PASSES, _clock, at=lambda scene: scene.booking.ends_at),
    *(Walker(Move.REPORT, _report(side), at=_report_at, name=f"report_as_{side}") for side in ("lead", "expert")),
    Walker(Move.CONFIRM, _by_side(bookings.confirm, "lead")),
    Walker(Move.WINDOW_PASSES, _clock, at=_after_deadline()),
    Walker(Move.SHARE_FALLS_DUE, _clock, at=_after_deadline()),
    Walker(Move.ANSWER, _by_side(disputes.answer, "expert", side="expert", said=Words("It went on by telephone.", 10))),
    Walker(Move.AGREE, _by_side(disputes.agree, "expert", side="expert", share=60)),
    Walker(Move.SECOND_SESSION, _reschedule, ready=_propose_another),
    Walker(Move.WITHDRAW_REPORT, _by_side(disputes.withdraw_report, "lead", side="lead")),
    Walker(Move.DECIDE, _decide, at=lambda scene: scene.clock() + 48 * HOUR),
    Walker(Move.APPEAL, _by_side(disputes.appeal, "lead", side="lead", words="not so")),
    Walker(Move.BOTH_ACCEPT, _by_side(disputes.accept_decision, "lead", side="lead"), ready=_other_accepts),
    Walker(Move.FIVE_DAYS_PASS, _clock, at=_after_deadline()),
    Walker(Move.DAY_80, _clock, at=lambda scene: scene.booking.captured_at + 80 * DAY),  # type: ignore[operator]
    Walker(Move.REFUND, _refund, ready=_posted),
)  # fmt: skip
# Moves that nobody makes by themselves, and those whose way is not built yet: each with its reason.
WITHOUT = {
    Move.HOLD: "there is no booking before it: test_race.py and benchmarks/booking_race.py",
    Move.ACCEPT_AT_ONCE: "made within the commit of an instant offer, under the same locks",
}


# --- States ------------------------------------------------------------------------------------


def _held(scene: Scene) -> None:
    pass


def _awaiting(scene: Scene) -> None:
    _rule(scene)
    _by_side(bookings.ask_approval, "lead", accepted=make.DOCUMENTS, platform=make.PLATFORM)(
        scene, scene.db()
    )


def _lapsed(scene: Scene) -> None:
    _open(scene)
    scene.clock.move_to(scene.booking.deadline)  # type: ignore[arg-type]
    _clock(scene, scene.db())


def _delivered(scene: Scene) -> None:
    scene.clock.move_to(scene.booking.ends_at)
    _clock(scene, scene.db())
    scene.clock.move(HOUR)


def _disputed(scene: Scene) -> None:
    _delivered(scene)
    _report("lead", "technical")(scene, scene.db())  # A kind that a second session can make good.
    scene.facts["from_state"] = "delivered"


def _resolved(scene: Scene) -> None:
    _disputed(scene)
    scene.clock.move(48 * HOUR)
    _decide(scene, scene.db())


def _completed(scene: Scene) -> None:
    _delivered(scene)
    _by_side(bookings.confirm, "lead")(scene, scene.db())


def _settled(scene: Scene) -> None:
    _disputed(scene)
    _by_side(disputes.agree, "expert", side="expert", share=60)(scene, scene.db())


def _cancelled(scene: Scene) -> None:
    scene.clock.move_to(scene.booking.starts_at - 30 * HOUR)
    _by_side(bookings.cancel, "lead", side="lead", **CANCEL)(scene, scene.db())


# The factory's own state to begin from, and the way on from there.
SCENES: dict[State, tuple[str, Callable[[Scene], None]]] = {
    State.HELD: ("held", _held),
    State.AWAITING_APPROVAL: ("held", _awaiting),
    State.LAPSED: ("held", _lapsed),
    State.REQUESTED: ("requested", _held),
    State.ACCEPTED: ("accepted", _held),
    State.CONFIRMED: ("confirmed", _held),
    State.DELIVERED: ("confirmed", _delivered),
    State.COMPLETED: ("confirmed", _completed),
    State.DISPUTED: ("confirmed", _disputed),
    State.RESOLVED: ("confirmed", _resolved),
    State.SETTLED: ("confirmed", _settled),
    State.CANCELLED: ("confirmed", _cancelled),
}
PAIRS = [
    (state, first, second)
    for state in SCENES
    for first, second in itertools.product(
        [walker for walker in WALKERS if walker.move in open_moves(state)], repeat=2
    )
]


@pytest.fixture(scope="module")
def rivals(template: tuple[str, str]) -> Iterator[sa.Engine]:
    """A database of this file's own, where commits are commits."""
    with databases.own_database(*template) as url:
        engine = connect(url)
        yield engine
        engine.dispose()


def scene_of(engine: sa.Engine, state: State, *walkers: Walker) -> Scene:
    """A booking in this state, and what these movers need to stand."""
    clock, (start, walk) = FakeClock(), SCENES[state]
    db = Database(engine, clock=clock, reactions=REACTIONS)
    made = make.booking(db, state=start, days_ahead=10)
    scene = Scene(engine, clock, made, make.operator(db), make.operator(db))
    walk(scene)
    # The rule last: what was opened before it stands.
    for walker in sorted(walkers, key=lambda one: one.move is Move.ASK_APPROVAL):
        walker.ready(scene)
    assert scene.booking.state == state.value
    return scene


@dataclass
class Done:
    """What a mover met: nothing, a refusal by name, or a fault."""

    refused: Refusal | None = None
    fault: BaseException | None = None


def race(scene: Scene, first: Walker, second: Walker, *, forced: bool) -> list[Done]:
    """Both at once. Forced: both wait for the calendar, the first before the second."""
    done = [Done(), Done()]
    clocks = [FakeClock(walker.at(scene)) for walker in (first, second)]
    barrier = threading.Barrier(1 if forced else 2)

    def run(place: int, walker: Walker) -> None:
        try:
            barrier.wait(10)
            walker.run(scene, scene.db(clocks[place]))
        except Refusal as refused:
            done[place].refused = refused
        except BaseException as fault:
            done[place].fault = fault

    threads = [
        threading.Thread(target=run, args=(place, walker)) for place, walker in enumerate((first, second))
    ]
    with scene.engine.connect() as gate:
        if forced:
            gate.execute(
                sa.text("select 1 from calendars where expert_id = :id for update"),
                {"id": scene.made.seller.expert.id},
            )
        for number, thread in enumerate(threads, 1):
            thread.start()
            if forced:
                _until_waiting(scene.engine, number, threads)
        gate.rollback()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive(), "a mover waits for ever"
    return done


def _until_waiting(engine: sa.Engine, number: int, threads: list[threading.Thread]) -> None:
    """So many of our own connections wait for a lock, or their movers have ended before they asked for one."""
    for _ in range(2000):
        running = sum(thread.is_alive() for thread in threads[:number])
        with engine.connect() as connection:
            waiting = connection.execute(
                sa.text(
                    "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
                )
            ).scalar_one()
        if waiting >= running:
            return
        time.sleep(0.002)
    raise AssertionError("nobody waits for the calendar")


def history(scene: Scene) -> list[BookingMove]:
    with scene.db().reading() as session:
        return list(
            session.scalars(
                sa.select(BookingMove).where(BookingMove.booking_id == scene.made.id).order_by(BookingMove.id)
            )
        )


# Rows that are no move of the table: what a proposal leaves, what a payment did that nothing awaits.
BESIDES = ("stray_money", "reschedule_", "second_session_")


def judge(scene: Scene, before: list[BookingMove], done: list[Done], pair: tuple[Walker, Walker]) -> None:
    """One history that the table allows; who is not in it was refused, or had nothing left to do."""
    for one in done:
        assert one.fault is None, one.fault
    known = {row.id for row in before}
    rows = sorted((row for row in history(scene) if row.id not in known), key=lambda row: row.id)
    told = f"{[f'{r.move}: {r.from_state}>{r.to_state}' for r in rows]}, {[d.refused for d in done]}"
    state = State(before[-1].to_state)
    made: list[str] = []
    for row in rows:
        if row.move.startswith(BESIDES):
            continue
        assert row.from_state == state.value, told
        late = row.move == Move.PAYMENT_ARRIVED and row.to_state == row.from_state
        if not late:
            reached = {
                next_state(state, row.move, from_state=scene.facts.get("from_state", state), ended=ended)
                for ended in (False, True)
                if row.move in open_moves(state)
            }
            assert State(row.to_state) in reached, told
        state = State(row.to_state)
        made.append(row.move)
    assert scene.booking.state == state.value, told
    # The second may end what the first began, by the clock: never the same twice by two movers, unless it stays.
    wanted = [walker.move.value for walker in pair]
    for walker, one in zip(pair, done, strict=True):
        if walker.move.value in made or one.refused is None:
            continue
        assert isinstance(one.refused, Refusal), told
        if isinstance(one.refused, MoveNotOpen):
            assert one.refused.facts["state"] in {before[-1].to_state, *(row.to_state for row in rows)}, told
    assert any(move in wanted for move in made) or (
        rows == [] and all(walker.move is Move.OPEN_PAYMENT for walker in pair)
    ), told
    assert len({row.token for row in history(scene)}) == len(history(scene))
    stands_still(scene, state)


def stands_still(scene: Scene, state: State) -> None:
    """Claims, payments and books agree with the state."""
    with scene.db().reading() as session:
        live = session.scalar(
            sa.select(sa.func.count()).select_from(Claim).where(Claim.booking_id == scene.made.id, Claim.live)
        )
        assert live == (1 if claims_slot(state) else 0) or (
            state in (State.CONFIRMED, State.DELIVERED) and live == 1
        )
        current = session.scalar(
            sa.select(sa.func.count()).select_from(Payment)
            .where(Payment.subject == scene.made.id, Payment.superseded_at.is_(None),
                   Payment.state.in_(("open", "authorised", "captured")))
        )  # fmt: skip
        assert current is not None
        assert current <= 1
        assert [one for one in ledger.check(session) if not one.shortfall] == []


def test_every_move_of_the_table_has_a_walker_or_a_reason() -> None:
    moves = {row.move for row in MOVES}
    walked = {walker.move for walker in WALKERS}
    assert walked | set(WITHOUT) == moves
    assert not walked & set(WITHOUT)
    for row in MOVES:
        if row.move in walked:
            reachable = set(row.froms) & set(SCENES)
            assert reachable, f"no scene from which {row.move} can be tried"


@pytest.mark.parametrize(("state", "first", "second"), PAIRS, ids=lambda one: str(one))
def test_one_after_the_other(rivals: sa.Engine, state: State, first: Walker, second: Walker) -> None:
    scene = scene_of(rivals, state, first, *(() if first is second else (second,)))
    before = history(scene)
    judge(scene, before, race(scene, first, second, forced=True), (first, second))


@pytest.mark.parametrize("state", SCENES, ids=str)
def test_both_at_once(rivals: sa.Engine, state: State) -> None:
    """A ring of the state's moves, each with the next one, neither before the other."""
    walkers = [walker for walker in WALKERS if walker.move in open_moves(state)]
    for first, second in zip(walkers, [*walkers[1:], walkers[0]], strict=True):
        scene = scene_of(rivals, state, first, *(() if first is second else (second,)))
        before = history(scene)
        judge(scene, before, race(scene, first, second, forced=False), (first, second))
