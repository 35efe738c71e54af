"""Chargebacks: whichever amount is lost in whichever order with refunds, the books end right."""

from __future__ import annotations

import uuid
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain import chargebacks, postings
from marketplace.domain.chargebacks import BookedAs, loss_of, rest_of, taken_by_losses
from marketplace.domain.pricing import LINES, BuyerTax, PlatformTax, Quote, SellerTax, quote
from marketplace.domain.refunds import refund_amount

SUBJECT, EXPERT = uuid.UUID(int=1), uuid.UUID(int=2)
DUE = datetime(2026, 12, 15, 23, 59, tzinfo=UTC)


def priced(price: int) -> Quote:
    return quote(
        price, service_fee_bp=600, commission_bp=1_200, seller=SellerTax("FR"), buyer=BuyerTax("FR", "FR1"),
        platform=PlatformTax("FR", "FR0"),
    )  # fmt: skip


@given(
    price=st.integers(1_000, 500_000),
    refunded=st.integers(0, 100),
    lost=st.integers(1, 120),
    held=st.booleans(),
    share_first=st.booleans(),
)
def test_any_amount_with_any_refund_before_it(
    price: int, refunded: int, lost: int, held: bool, share_first: bool
) -> None:
    """`refunded` and `lost` in percent of the whole; the share falls due before or after."""
    whole = priced(price)
    books: dict[str, int] = defaultdict(int)

    def post(entries: postings.Entries) -> None:
        assert sum(minor for _account, minor in entries) == 0
        for account, minor in entries:
            books[account] += minor

    gone = dict.fromkeys(LINES, 0)

    def refund(lines: dict[str, int], against: str) -> None:
        if share_first:
            commission, vat = postings.commission_given_back(whole, lines, gone)
            entries = postings.refund_after_share(lines, EXPERT, commission, vat)
        else:
            entries = postings.refund_before_share(lines, SUBJECT)
        post(postings.against(against, entries))
        for name, minor in lines.items():
            gone[name] += minor

    post(postings.captured(whole, SUBJECT))
    if share_first:
        post(postings.share_due(whole, SUBJECT, EXPERT, {}))
    before = whole.total * refunded // 100
    if before:
        refund(dict(refund_amount(whole, before, gone).lines), postings.PROVIDER_BALANCE)
    taken = max(1, min(whole.total, whole.total * lost // 100))
    post(postings.chargeback_taken(taken, 1500))
    loss = loss_of(
        whole, taken, gone=gone, room=whole.total - sum(gone.values()),
        booked_as=BookedAs.LOSS if held else BookedAs.REFUND,
    )  # fmt: skip
    assert loss.refunded_minor + loss.loss_minor == taken
    post(postings.chargeback_lost(loss.loss_minor))
    if loss.refunded_minor:
        refund(dict(loss.lines), postings.IN_DISPUTE)
    if not share_first:
        post(postings.share_due(whole, SUBJECT, EXPERT, gone))
    assert books[postings.IN_DISPUTE] == 0
    assert books[postings.held(SUBJECT)] == 0
    assert books[postings.payable(EXPERT)] <= 0
    assert books[postings.DISPUTE_LOSSES] == loss.loss_minor
    assert all(0 <= gone[name] <= minor for name, minor in whole.lines.items())
    if held:
        assert loss.loss_minor == taken  # What the expert keeps is untouched.


@given(
    price=st.integers(1_000, 500_000),
    part=st.integers(0, 100),
    room=st.integers(0, 100),
    lost=st.integers(0, 100),
)
def test_a_share_decided_after_a_loss_is_split_to_the_cent(
    price: int, part: int, room: int, lost: int
) -> None:
    whole = priced(price)
    lines = {name: minor * part // 100 for name, minor in whole.lines.items()}
    amount, room, lost = sum(lines.values()), whole.total * room // 100, whole.total * lost // 100
    sent, taken = taken_by_losses(lines, room=room, lost=lost)
    assert {name: sent[name] + taken[name] for name in lines} == lines
    assert all(minor >= 0 for minor in (*sent.values(), *taken.values()))
    assert sum(taken.values()) == min(max(0, amount - room), lost)


def test_the_rest_is_what_has_not_gone() -> None:
    whole = priced(120_000)
    gone = dict(refund_amount(whole, 50_001, dict.fromkeys(LINES, 0)).lines)
    assert sum(rest_of(whole, gone).values()) == whole.total - 50_001


@pytest.mark.parametrize("before", chargebacks.RANK)
@pytest.mark.parametrize("seen", chargebacks.RANK)
def test_an_older_word_moves_nothing(before: str, seen: str) -> None:
    assert not (chargebacks.is_newer(before, seen) and chargebacks.is_newer(seen, before))
    assert not chargebacks.is_newer(before, before)
    if before in ("won", "lost", "prevented"):
        assert not chargebacks.is_newer(before, seen)


def test_what_freezes() -> None:
    assert {state for state in chargebacks.RANK if chargebacks.freezes(state, to_book=False)} == {
        "inquiry", "open", "review",
    }  # fmt: skip
    assert chargebacks.freezes("lost", to_book=True)


def test_sent_a_day_before_the_deadline_and_never_after_it() -> None:
    at = chargebacks.send_at(DUE)
    assert at is not None
    assert at < DUE - timedelta(days=1)
    assert chargebacks.send_at(None) is None
    may = [
        chargebacks.may_send("open", submitted=False, evidence_due=DUE, now=DUE - timedelta(seconds=1)),
        chargebacks.may_send("inquiry", submitted=False, evidence_due=None, now=DUE),
    ]
    never = [
        chargebacks.may_send("open", submitted=False, evidence_due=DUE, now=DUE),
        chargebacks.may_send("open", submitted=True, evidence_due=DUE, now=at),
        *(
            chargebacks.may_send(state, submitted=False, evidence_due=DUE, now=at)
            for state in ("review", "won", "lost", "prevented", "inquiry_closed")
        ),
    ]
    assert all(may)
    assert not any(never)
