"""The booking process: every state and every move, as data.

Source: booking-process.md, "States" and "Moves"; the rows below stand in that page's order. Where code and
page differ, one of the two is a defect. *Who may* is here and in `policy.py`; *when it can* is in the
guards at the end and in `deadlines.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from .errors import MoveNotOpen


class State(StrEnum):
    """Where a booking is."""

    HELD = "held"
    AWAITING_APPROVAL = "awaiting_approval"
    REQUESTED = "requested"
    ACCEPTED = "accepted"
    CONFIRMED = "confirmed"
    DELIVERED = "delivered"
    COMPLETED = "completed"
    DISPUTED = "disputed"
    RESOLVED = "resolved"
    SETTLED = "settled"
    LAPSED = "lapsed"
    REFUSED = "refused"
    DECLINED = "declined"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Move(StrEnum):
    """A transition of the table."""

    HOLD = "hold"
    PICK_ANOTHER_SLOT = "pick_another_slot"
    EXTEND = "extend"
    OPEN_PAYMENT = "open_payment"
    ASK_APPROVAL = "ask_approval"
    COMMIT = "commit"
    LET_GO = "let_go"
    RUN_OUT = "run_out"
    APPROVE = "approve"
    REFUSE = "refuse"
    PAYMENT_ARRIVED = "payment_arrived"
    ACCEPT = "accept"
    ACCEPT_AT_ONCE = "accept_at_once"
    DECLINE = "decline"
    WITHDRAW = "withdraw"
    CAPTURED = "captured"
    NOT_CAPTURED = "not_captured"
    STOP = "stop"
    CANCEL = "cancel"
    CHARGEBACK_LOST = "chargeback_lost"
    RESCHEDULE = "reschedule"
    END_PASSES = "end_passes"
    REPORT = "report"
    CONFIRM = "confirm"
    WINDOW_PASSES = "window_passes"
    SHARE_FALLS_DUE = "share_falls_due"
    ANSWER = "answer"
    AGREE = "agree"
    SECOND_SESSION = "second_session"
    WITHDRAW_REPORT = "withdraw_report"
    DECIDE = "decide"
    APPEAL = "appeal"
    BOTH_ACCEPT = "both_accept"
    FIVE_DAYS_PASS = "five_days_pass"
    DAY_80 = "day_80"
    REFUND = "refund"


class By(StrEnum):
    """Who makes a move.

    BUYER is the buyer's side: the project lead or a company administrator; LEAD the project lead alone.
    QUEUE holds for the lead who asked. STANDING is the expert's word given in advance.
    """

    LEAD = "lead"
    BUYER = "buyer"
    APPROVER = "approver"
    EXPERT = "expert"
    OPERATOR = "operator"
    CLOCK = "clock"
    PROVIDER = "provider"
    QUEUE = "queue"
    STANDING = "standing"


class Effect(StrEnum):
    """What a move does to money. NOTHING also where the money moved before, by the provider's own word."""

    NOTHING = "nothing"
    OPEN = "open"  # a payment is opened
    RELEASE = "release"  # whatever was authorised is given back, or closed
    CAPTURE = "capture"  # the authorised money is to be taken
    INVOICE = "invoice"  # on company terms: owed from now on
    PAY_AGAIN = "pay_again"  # the buyer is asked to pay again
    REFUND_BY_RULE = "refund_by_rule"  # the refund rule's amount goes back
    REFUND_REST = "refund_rest"  # everything goes back that a chargeback did not take
    SHARE_DUE = "share_due"  # what is kept falls due to the expert
    FREEZE = "freeze"
    UNFREEZE = "unfreeze"
    SPLIT = "split"  # refunded and paid as agreed or decided
    REFUND_AMOUNT = "refund_amount"  # an amount an operator names


class Fact(StrEnum):
    """What chooses between the states a move may lead to."""

    TERMS = "terms"  # the company pays on terms
    FROM_CONFIRMED = "from_confirmed"  # the dispute came from there
    FROM_DELIVERED = "from_delivered"
    FROM_CANCELLED = "from_cancelled"
    ENDED = "ended"  # the session's end has passed, and the dispute came from `confirmed`


@dataclass(frozen=True)
class Row:
    """One row of the table. `to`: the first target whose fact holds; None always holds."""

    froms: tuple[State | None, ...]
    move: Move
    by: tuple[By, ...]
    to: tuple[tuple[Fact | None, State], ...]
    money: Effect = Effect.NOTHING
    money_on_terms: Effect | None = None
    reason: bool = False
    # The row exists only where this holds.
    only: Fact | None = None


def _row(
    froms: State | Iterable[State | None] | None,
    move: Move,
    by: By | tuple[By, ...],
    to: State | tuple[tuple[Fact | None, State], ...],
    money: Effect = Effect.NOTHING,
    *,
    money_on_terms: Effect | None = None,
    reason: bool = False,
    only: Fact | None = None,
) -> Row:
    """A row written short: a single state or person needs no tuple."""
    return Row(
        froms=(froms,) if froms is None or isinstance(froms, State) else tuple(froms),
        move=move,
        by=(by,) if isinstance(by, By) else by,
        to=((None, to),) if isinstance(to, State) else to,
        money=money,
        money_on_terms=money_on_terms,
        reason=reason,
        only=only,
    )


_S, _M, _B, _E, _F = State, Move, By, Effect, Fact
_SIDES = (_B.BUYER, _B.EXPERT)
_YES = ((_F.TERMS, _S.CONFIRMED), (None, _S.ACCEPTED))

MOVES: tuple[Row, ...] = (
    _row(None, _M.HOLD, (_B.LEAD, _B.QUEUE), _S.HELD),
    _row(_S.HELD, _M.PICK_ANOTHER_SLOT, _B.BUYER, _S.HELD),
    _row(_S.HELD, _M.EXTEND, _B.BUYER, _S.HELD),
    _row(_S.HELD, _M.OPEN_PAYMENT, _B.BUYER, _S.HELD, _E.OPEN),
    _row(_S.HELD, _M.ASK_APPROVAL, _B.BUYER, _S.AWAITING_APPROVAL),
    _row(_S.HELD, _M.COMMIT, _B.PROVIDER, _S.REQUESTED),
    _row(_S.HELD, _M.COMMIT, _B.BUYER, _S.REQUESTED, only=_F.TERMS),
    _row((_S.HELD, _S.AWAITING_APPROVAL), _M.LET_GO, _B.BUYER, _S.LAPSED, _E.RELEASE),
    _row((_S.HELD, _S.AWAITING_APPROVAL), _M.RUN_OUT, _B.CLOCK, _S.LAPSED, _E.RELEASE),
    _row(_S.AWAITING_APPROVAL, _M.APPROVE, _B.APPROVER, ((_F.TERMS, _S.REQUESTED), (None, _S.HELD))),
    _row(_S.AWAITING_APPROVAL, _M.REFUSE, _B.APPROVER, _S.REFUSED, reason=True),
    _row(_S.LAPSED, _M.PAYMENT_ARRIVED, _B.PROVIDER, _S.REQUESTED),
    _row(_S.REQUESTED, _M.ACCEPT, _B.EXPERT, _YES, _E.CAPTURE, money_on_terms=_E.INVOICE),
    _row(_S.REQUESTED, _M.ACCEPT_AT_ONCE, _B.STANDING, _YES, _E.CAPTURE, money_on_terms=_E.INVOICE),
    _row(_S.REQUESTED, _M.DECLINE, _B.EXPERT, _S.DECLINED, _E.RELEASE, reason=True),
    _row(_S.REQUESTED, _M.WITHDRAW, _B.BUYER, _S.LAPSED, _E.RELEASE),
    _row(_S.REQUESTED, _M.RUN_OUT, _B.CLOCK, _S.EXPIRED, _E.RELEASE),
    _row(_S.ACCEPTED, _M.CAPTURED, _B.PROVIDER, _S.CONFIRMED),
    _row(_S.ACCEPTED, _M.NOT_CAPTURED, _B.PROVIDER, _S.ACCEPTED, _E.PAY_AGAIN),
    _row(_S.ACCEPTED, _M.WITHDRAW, _B.BUYER, _S.LAPSED, _E.RELEASE),
    _row(_S.ACCEPTED, _M.RUN_OUT, _B.CLOCK, _S.EXPIRED, _E.RELEASE),
    _row(
        (_S.HELD, _S.AWAITING_APPROVAL, _S.REQUESTED, _S.ACCEPTED),
        _M.STOP,
        _B.OPERATOR,
        _S.CANCELLED,
        _E.RELEASE,
        reason=True,
    ),
    _row(_S.CONFIRMED, _M.CANCEL, (_B.BUYER, _B.EXPERT, _B.OPERATOR), _S.CANCELLED, _E.REFUND_BY_RULE),
    _row(_S.CONFIRMED, _M.CHARGEBACK_LOST, _B.PROVIDER, _S.CANCELLED, _E.REFUND_REST),
    _row(_S.CONFIRMED, _M.RESCHEDULE, _SIDES, _S.CONFIRMED),
    _row(_S.CONFIRMED, _M.END_PASSES, _B.CLOCK, _S.DELIVERED),
    _row(
        (_S.CONFIRMED, _S.DELIVERED, _S.CANCELLED),
        _M.REPORT,
        (_B.BUYER, _B.EXPERT, _B.OPERATOR),
        _S.DISPUTED,
        _E.FREEZE,
    ),
    _row(_S.DELIVERED, _M.CONFIRM, _B.BUYER, _S.COMPLETED, _E.SHARE_DUE),
    _row(_S.DELIVERED, _M.WINDOW_PASSES, _B.CLOCK, _S.COMPLETED, _E.SHARE_DUE),
    _row(_S.CANCELLED, _M.SHARE_FALLS_DUE, _B.CLOCK, _S.CANCELLED, _E.SHARE_DUE),
    _row(_S.DISPUTED, _M.ANSWER, _SIDES, _S.DISPUTED),
    _row(_S.DISPUTED, _M.AGREE, _SIDES, _S.SETTLED, _E.SPLIT),
    _row(
        _S.DISPUTED,
        _M.SECOND_SESSION,
        _SIDES,
        ((_F.FROM_CONFIRMED, _S.CONFIRMED), (_F.FROM_DELIVERED, _S.CONFIRMED)),
        _E.UNFREEZE,
    ),
    _row(
        _S.DISPUTED,
        _M.WITHDRAW_REPORT,
        (_B.BUYER, _B.EXPERT, _B.OPERATOR),
        (
            (_F.ENDED, _S.DELIVERED),
            (_F.FROM_CONFIRMED, _S.CONFIRMED),
            (_F.FROM_DELIVERED, _S.DELIVERED),
            (_F.FROM_CANCELLED, _S.CANCELLED),
        ),
        _E.UNFREEZE,
    ),
    _row(_S.DISPUTED, _M.DECIDE, _B.OPERATOR, _S.RESOLVED, reason=True),
    _row(_S.RESOLVED, _M.APPEAL, _SIDES, _S.DISPUTED),
    _row(_S.RESOLVED, _M.BOTH_ACCEPT, _SIDES, _S.SETTLED, _E.SPLIT),
    _row(_S.RESOLVED, _M.FIVE_DAYS_PASS, _B.CLOCK, _S.SETTLED, _E.SPLIT),
    _row((_S.DISPUTED, _S.RESOLVED), _M.DAY_80, _B.CLOCK, _S.SETTLED, _E.SPLIT),
    _row(_S.COMPLETED, _M.REFUND, _B.OPERATOR, _S.COMPLETED, _E.REFUND_AMOUNT),
    _row(_S.SETTLED, _M.REFUND, _B.OPERATOR, _S.SETTLED, _E.REFUND_AMOUNT),
    _row(_S.CANCELLED, _M.REFUND, _B.OPERATOR, _S.CANCELLED, _E.REFUND_AMOUNT),
)

# "taken" in the table of states.
_SLOT_TAKEN = frozenset({_S.HELD, _S.AWAITING_APPROVAL, _S.REQUESTED, _S.ACCEPTED, _S.CONFIRMED})
_FROM = {_S.CONFIRMED: _F.FROM_CONFIRMED, _S.DELIVERED: _F.FROM_DELIVERED, _S.CANCELLED: _F.FROM_CANCELLED}
# Reached by a move that leads somewhere else, and left by none but the clock's late payment and refunds.
TERMINAL = frozenset({_S.COMPLETED, _S.SETTLED, _S.LAPSED, _S.REFUSED, _S.DECLINED, _S.EXPIRED, _S.CANCELLED})


def next_state(
    state: State | str | None,
    move: Move | str,
    *,
    by: By | None = None,
    terms: bool = False,
    from_state: State | str | None = None,
    ended: bool = False,
) -> State:
    """The state that `move` leads to; None is the state before the hold.

    terms: the company pays on terms. from_state: where a dispute came from (`withdraw_report` and
    `second_session` need it). ended: the session's end has passed. by: checked too, where given.
    Raises MoveNotOpen with the moves open to `by` (to anyone, where not given).
    """
    here, made = _state(state), Move(move)
    facts = _facts(terms, from_state, ended)
    row = _find(here, made, by, facts)
    target = next((to for fact, to in row.to if fact is None or fact in facts), None) if row else None
    if target is None:
        raise MoveNotOpen(here or "", made, open_moves(here, by, terms=terms))
    return target


def open_moves(state: State | str | None, by: By | None = None, *, terms: bool = False) -> tuple[Move, ...]:
    """The moves the table holds from a state for someone (for anyone, by None), in the table's order.

    The table only: a deadline or a guard may still refuse one of them.
    """
    here, facts = _state(state), _facts(terms, None, False)
    found = (row.move for row in MOVES if here in row.froms and _made_by(row, by) and _holds(row.only, facts))
    return tuple(dict.fromkeys(found))


def effect(state: State | str | None, move: Move | str, *, terms: bool = False) -> Effect:
    """What a move from a state does to money. Raises MoveNotOpen where the table does not hold it."""
    here, made = _state(state), Move(move)
    row = _find(here, made, None, _facts(terms, None, False))
    if row is None:
        raise MoveNotOpen(here or "", made, open_moves(here, terms=terms))
    return row.money_on_terms if terms and row.money_on_terms else row.money


def needs_reason(move: Move | str) -> bool:
    """Whether a move names a reason that the other side reads."""
    return any(row.reason for row in MOVES if row.move == move)


def claims_slot(state: State | str) -> bool:
    """Whether the booking's claim is live in this state ("taken")."""
    return State(state) in _SLOT_TAKEN


def is_terminal(state: State | str) -> bool:
    """Whether nothing more is to come but a late payment, a report on a kept share, or a refund."""
    return State(state) in TERMINAL


def _state(state: State | str | None) -> State | None:
    return None if state is None else State(state)


def _facts(terms: bool, from_state: State | str | None, ended: bool) -> frozenset[Fact]:
    facts = {Fact.TERMS} if terms else set()
    came_from = _FROM.get(State(from_state)) if from_state else None
    if came_from:
        facts.add(came_from)
    if ended and came_from is Fact.FROM_CONFIRMED:
        facts.add(Fact.ENDED)
    return frozenset(facts)


def _find(state: State | None, move: Move, by: By | None, facts: frozenset[Fact]) -> Row | None:
    for row in MOVES:
        if row.move is move and state in row.froms and _made_by(row, by) and _holds(row.only, facts):
            return row
    return None


def _made_by(row: Row, by: By | None) -> bool:
    # A project lead belongs to the buyer's side; an administrator is no project lead.
    return by is None or by in row.by or (by is By.LEAD and By.BUYER in row.by)


def _holds(fact: Fact | None, facts: frozenset[Fact]) -> bool:
    return fact is None or fact in facts


# Guards: when a move that the table holds can be made. Each says no by False; services name the refusal.


def may_extend(extensions: int, approved: bool) -> bool:
    """A hold gets "+15 min, twice, not once approved"."""
    return extensions < 2 and not approved


def may_revive(
    *, by_clock: bool, now: datetime, answer_by: datetime, pay_again_by: datetime, instant: bool
) -> bool:
    """Whether a payment that arrived late takes a lapsed booking up again (its claim is asked apart).

    Lapsed "by the clock only", "and 4 h remain to answer (instant: 1 h to pay again)".
    """
    if not by_clock:
        return False
    if instant:
        return pay_again_by - now >= timedelta(hours=1)
    return answer_by - now >= timedelta(hours=4)


def may_cancel(by: By, now: datetime, starts_at: datetime, ends_at: datetime) -> bool:
    """Cancelling: "buyer's side or expert until the start, operator until the end"; then it is a report."""
    return now < (ends_at if by is By.OPERATOR else starts_at)


def chargeback_cancels(now: datetime, starts_at: datetime) -> bool:
    """A lost chargeback cancels only "before the start"."""
    return now < starts_at


def may_report(now: datetime, *, opens_at: datetime, closes_at: datetime) -> bool:
    """From the start (no-show: 15 min later) to the window's end; the instants come from `deadlines`."""
    return opens_at <= now < closes_at


def may_agree(own_share: int | None, other_share: int | None) -> bool:
    """Agreeing is for "the side whose share is not the one agreed to": the other side's last, in percent."""
    return other_share is not None and own_share != other_share


def may_have_second_session(kind: str, from_state: State | str, had_one: bool) -> bool:
    """A second session: "technical failure or expert absent; once; not from `cancelled`"."""
    return kind in ("technical", "expert_absent") and State(from_state) is not State.CANCELLED and not had_one


def may_refund_after(state: State | str, share_posted: bool) -> bool:
    """An operator refunds in "completed, settled, cancelled once its share has fallen due"."""
    here = State(state)
    return here in (State.COMPLETED, State.SETTLED) or (here is State.CANCELLED and share_posted)
