"""The whole grid of (state, move, by) against a table written by hand from booking-process.md.

`buyer` below is the buyer's side, so the project lead may do it too; `lead` is the lead alone.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from marketplace.domain import bookings
from marketplace.domain.bookings import By, Effect, Move, State, claims_slot, next_state, open_moves
from marketplace.domain.errors import MoveNotOpen

# from | move | by | to
EXPECTED = """
-                 | hold              | lead queue            | held
held              | pick_another_slot | buyer                 | held
held              | extend            | buyer                 | held
held              | open_payment      | buyer                 | held
held              | ask_approval      | buyer                 | awaiting_approval
held              | commit            | provider              | requested
held              | let_go            | buyer                 | lapsed
held              | run_out           | clock                 | lapsed
held              | stop              | operator              | cancelled
awaiting_approval | let_go            | buyer                 | lapsed
awaiting_approval | run_out           | clock                 | lapsed
awaiting_approval | approve           | approver              | held
awaiting_approval | refuse            | approver              | refused
awaiting_approval | stop              | operator              | cancelled
lapsed            | payment_arrived   | provider              | requested
requested         | accept            | expert                | accepted
requested         | accept_at_once    | standing              | accepted
requested         | decline           | expert                | declined
requested         | withdraw          | buyer                 | lapsed
requested         | run_out           | clock                 | expired
requested         | stop              | operator              | cancelled
accepted          | captured          | provider              | confirmed
accepted          | not_captured      | provider              | accepted
accepted          | withdraw          | buyer                 | lapsed
accepted          | run_out           | clock                 | expired
accepted          | stop              | operator              | cancelled
confirmed         | cancel            | buyer expert operator | cancelled
confirmed         | chargeback_lost   | provider              | cancelled
confirmed         | reschedule        | buyer expert          | confirmed
confirmed         | end_passes        | clock                 | delivered
confirmed         | report            | buyer expert operator | disputed
delivered         | report            | buyer expert operator | disputed
delivered         | confirm           | buyer                 | completed
delivered         | window_passes     | clock                 | completed
cancelled         | report            | buyer expert operator | disputed
cancelled         | share_falls_due   | clock                 | cancelled
cancelled         | refund            | operator              | cancelled
disputed          | answer            | buyer expert          | disputed
disputed          | agree             | buyer expert          | settled
disputed          | second_session    | buyer expert          | confirmed
disputed          | withdraw_report   | buyer expert operator | delivered
disputed          | decide            | operator              | resolved
disputed          | day_80            | clock                 | settled
resolved          | appeal            | buyer expert          | disputed
resolved          | both_accept       | buyer expert          | settled
resolved          | five_days_pass    | clock                 | settled
resolved          | day_80            | clock                 | settled
completed         | refund            | operator              | completed
settled           | refund            | operator              | settled
"""
# What company terms change.
ON_TERMS = """
held              | commit            | provider buyer        | requested
awaiting_approval | approve           | approver              | requested
requested         | accept            | expert                | confirmed
requested         | accept_at_once    | standing              | confirmed
"""

Cell = tuple[State | None, Move, By]


def parsed(table: str) -> dict[Cell, State]:
    cells: dict[Cell, State] = {}
    for line in table.strip().splitlines():
        state, move, by, to = (part.strip() for part in line.split("|"))
        names = by.split()
        if "buyer" in names:
            names.append("lead")
        for name in names:
            key = (None if state == "-" else State(state), Move(move), By(name))
            assert key not in cells, f"{line!r} is there twice"
            cells[key] = State(to)
    return cells


CARD = parsed(EXPECTED)
TERMS = CARD | parsed(ON_TERMS)
GRID = list(product([None, *State], Move, By))


@pytest.mark.parametrize(("terms", "expected"), [(False, CARD), (True, TERMS)], ids=["card", "terms"])
def test_the_whole_grid_is_the_page(terms, expected):
    wrong = []
    for cell in GRID:
        state, move, by = cell
        try:
            got = next_state(state, move, by=by, terms=terms, from_state="delivered")
        except MoveNotOpen:
            got = None
        if got != expected.get(cell):
            wrong.append((cell, got, expected.get(cell)))
    assert wrong == []
    assert len(GRID) == 16 * 36 * 9


@pytest.mark.parametrize(("terms", "expected"), [(False, CARD), (True, TERMS)], ids=["card", "terms"])
def test_open_moves_are_the_same_grid(terms, expected):
    for state, by in product([None, *State], By):
        listed = open_moves(state, by, terms=terms)
        assert set(listed) == {move for (s, move, b) in expected if s == state and b == by}
        assert len(listed) == len(set(listed))


def test_every_state_is_reached_and_every_move_is_in_the_table():
    assert {to for row in bookings.MOVES for _, to in row.to} == set(State)
    assert {row.move for row in bookings.MOVES} == set(Move)


def test_a_move_that_is_not_open_says_what_is():
    with pytest.raises(MoveNotOpen) as refused:
        next_state("requested", "confirm", by=By.EXPERT)
    assert refused.value.facts == {"state": "requested", "move": "confirm", "open": ("accept", "decline")}


def test_an_unknown_move_is_a_defect_and_no_refusal():
    with pytest.raises(ValueError, match="teleport"):
        next_state("held", "teleport")


def test_by_is_not_needed():
    assert next_state("held", "commit") is State.REQUESTED
    assert next_state("accepted", "run_out") is State.EXPIRED


@pytest.mark.parametrize(
    ("from_state", "ended", "to"),
    [
        ("confirmed", False, "confirmed"),
        ("confirmed", True, "delivered"),
        ("delivered", True, "delivered"),
        ("cancelled", False, "cancelled"),
        ("cancelled", True, "cancelled"),
    ],
)
def test_a_withdrawn_report_leads_back(from_state, ended, to):
    assert next_state("disputed", "withdraw_report", from_state=from_state, ended=ended) == to


def test_a_second_session_never_follows_a_cancellation():
    assert next_state("disputed", "second_session", from_state="confirmed") is State.CONFIRMED
    with pytest.raises(MoveNotOpen):
        next_state("disputed", "second_session", from_state="cancelled")


def test_the_slot_is_taken_from_the_hold_to_the_session():
    assert [s for s in State if claims_slot(s)] == [
        "held",
        "awaiting_approval",
        "requested",
        "accepted",
        "confirmed",
    ]


def test_what_ends_is_left_only_by_late_money_reports_on_a_kept_share_and_refunds():
    assert {s for s in State if bookings.is_terminal(s)} == {
        "completed", "settled", "lapsed", "refused", "declined", "expired", "cancelled",
    }  # fmt: skip
    left = {m for s in State if bookings.is_terminal(s) for m in open_moves(s)}
    assert left == {"payment_arrived", "report", "share_falls_due", "refund"}


def test_these_moves_need_a_reason():
    assert {m for m in Move if bookings.needs_reason(m)} == {"refuse", "decline", "stop", "decide"}


@pytest.mark.parametrize(
    ("state", "move", "terms", "what"),
    [
        ("held", "open_payment", False, Effect.OPEN),
        ("held", "commit", False, Effect.NOTHING),
        ("held", "let_go", False, Effect.RELEASE),
        ("requested", "accept", False, Effect.CAPTURE),
        ("requested", "accept", True, Effect.INVOICE),
        ("requested", "accept_at_once", True, Effect.INVOICE),
        ("requested", "decline", False, Effect.RELEASE),
        ("accepted", "run_out", False, Effect.RELEASE),
        ("accepted", "not_captured", False, Effect.PAY_AGAIN),
        ("accepted", "stop", False, Effect.RELEASE),
        ("confirmed", "cancel", False, Effect.REFUND_BY_RULE),
        ("confirmed", "chargeback_lost", False, Effect.REFUND_REST),
        ("confirmed", "report", False, Effect.FREEZE),
        ("delivered", "window_passes", False, Effect.SHARE_DUE),
        ("delivered", "confirm", False, Effect.SHARE_DUE),
        ("cancelled", "share_falls_due", False, Effect.SHARE_DUE),
        ("disputed", "withdraw_report", False, Effect.UNFREEZE),
        ("disputed", "agree", False, Effect.SPLIT),
        ("disputed", "decide", False, Effect.NOTHING),
        ("resolved", "both_accept", False, Effect.SPLIT),
        ("settled", "refund", False, Effect.REFUND_AMOUNT),
    ],
)
def test_what_a_move_does_to_money(state, move, terms, what):
    assert bookings.effect(state, move, terms=terms) is what


def test_the_effect_of_a_move_that_is_not_open_is_refused():
    with pytest.raises(MoveNotOpen):
        bookings.effect("held", "confirm")


def test_whatever_leaves_a_binding_state_without_a_session_gives_the_money_back():
    for row in bookings.MOVES:
        for state in row.froms:
            ends = {to for _, to in row.to} & {"lapsed", "declined", "expired", "cancelled"}
            if ends and state and claims_slot(state):
                assert row.money in (Effect.RELEASE, Effect.REFUND_BY_RULE, Effect.REFUND_REST), row


NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_a_hold_is_extended_twice_and_not_once_approved():
    assert [bookings.may_extend(n, approved=False) for n in (0, 1, 2)] == [True, True, False]
    assert not bookings.may_extend(0, approved=True)


@pytest.mark.parametrize(
    ("by_clock", "left", "instant", "yes"),
    [
        (True, 4, False, True),
        (True, 3.99, False, False),
        (False, 40, False, False),
        (True, 1, True, True),
        (True, 0.99, True, False),
    ],
)
def test_late_money_revives_only_what_the_clock_lapsed_while_time_remains(by_clock, left, instant, yes):
    until, other = NOW + left * HOUR, NOW
    answer_by, pay_again_by = (other, until) if instant else (until, other)
    assert (
        bookings.may_revive(
            by_clock=by_clock, now=NOW, answer_by=answer_by, pay_again_by=pay_again_by, instant=instant
        )
        is yes
    )


def test_sides_cancel_until_the_start_and_an_operator_until_the_end():
    start, end = NOW, NOW + 3 * HOUR
    before = NOW - timedelta(microseconds=1)
    for by in (By.BUYER, By.LEAD, By.EXPERT):
        assert bookings.may_cancel(by, before, start, end)
        assert not bookings.may_cancel(by, start, start, end)
    assert bookings.may_cancel(By.OPERATOR, end - timedelta(microseconds=1), start, end)
    assert not bookings.may_cancel(By.OPERATOR, end, start, end)


def test_a_lost_chargeback_cancels_only_before_the_start():
    assert bookings.chargeback_cancels(NOW - HOUR, NOW)
    assert not bookings.chargeback_cancels(NOW, NOW)


def test_a_report_is_open_half_open():
    assert bookings.may_report(NOW, opens_at=NOW, closes_at=NOW + HOUR)
    assert not bookings.may_report(NOW + HOUR, opens_at=NOW, closes_at=NOW + HOUR)


def test_one_agrees_to_the_other_sides_share():
    assert bookings.may_agree(0, 50)
    assert bookings.may_agree(None, 50)
    assert not bookings.may_agree(50, 50)
    assert not bookings.may_agree(50, None)


@pytest.mark.parametrize(
    ("kind", "from_state", "had_one", "yes"),
    [
        ("technical", "confirmed", False, True),
        ("expert_absent", "delivered", False, True),
        ("quality", "delivered", False, False),
        ("technical", "cancelled", False, False),
        ("technical", "delivered", True, False),
    ],
)
def test_a_second_session_is_for_what_did_not_take_place(kind, from_state, had_one, yes):
    assert bookings.may_have_second_session(kind, from_state, had_one) is yes


def test_a_cancelled_booking_is_refunded_further_once_its_share_fell_due():
    assert bookings.may_refund_after("completed", share_posted=False)
    assert bookings.may_refund_after("settled", share_posted=True)
    assert bookings.may_refund_after("cancelled", share_posted=True)
    assert not bookings.may_refund_after("cancelled", share_posted=False)
    assert not bookings.may_refund_after("delivered", share_posted=True)
