"""Disputes at the provider: money, deadlines, evidence, and each of their ends."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from sandbox import chargebacks, refunds

from .conftest import AMOUNT, FEE, Shop, code


def opened(shop: Shop, kind: str = "chargeback", **how: object) -> Any:
    charge = shop.charge()
    made = shop.does(chargebacks.open_dispute, "charge", charge.id, kind, **how)
    return shop.v1.disputes.retrieve(made["id"])


def test_the_money_and_a_fee_leave_at_once(shop: Shop) -> None:
    shop.charge()
    shop.settle()
    before, _ = shop.balance()
    dispute = opened(shop)
    line = dispute.balance_transactions[0]
    assert (dispute.status, line.amount, line.fee, line.net) == (
        "needs_response",
        -AMOUNT,
        1500,
        -AMOUNT - 1500,
    )
    assert (line.type, line.reporting_category, line.source) == ("adjustment", "dispute", dispute.id)
    assert shop.balance()[0] == before - AMOUNT - 1500
    assert shop.v1.charges.retrieve(str(dispute.charge)).disputed
    assert shop.told()[-2:] == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]


def test_the_balance_may_fall_below_zero(shop: Shop) -> None:
    opened(shop)
    assert shop.balance() == (-AMOUNT - 1500, AMOUNT - FEE)


@pytest.mark.parametrize("fee_returns", [False, True])
def test_won_gives_it_back_and_the_fee_only_where_said(shop: Shop, fee_returns: bool) -> None:
    dispute = opened(shop)
    before = shop.balance()[0]
    shop.does(chargebacks.decide, "dispute", dispute.id, True, fee_returns=fee_returns)
    dispute = shop.v1.disputes.retrieve(dispute.id)
    assert dispute.status == "won"
    back = dispute.balance_transactions[1]
    assert (back.amount, back.net) == (AMOUNT, AMOUNT + (1500 if fee_returns else 0))
    assert shop.balance()[0] == before + back.net
    assert shop.told()[-2:] == ["charge.dispute.funds_reinstated", "charge.dispute.closed"]
    # And the payment can be given back again.
    assert shop.v1.refunds.create({"payment_intent": str(dispute.payment_intent)}).amount == AMOUNT


def test_part_of_a_payment_lost_leaves_the_rest_to_be_refunded(shop: Shop) -> None:
    dispute = opened(shop, amount=100_000)
    asked: stripe.params.RefundCreateParams = {"payment_intent": str(dispute.payment_intent)}
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.refunds.create(asked)
    assert code(refused) == "charge_disputed"
    assert shop.v1.disputes.close(dispute.id).status == "lost"
    assert shop.v1.refunds.create(asked).amount == AMOUNT - 100_000
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.refunds.create(asked)
    assert code(refused) == "charge_disputed"


def test_a_refund_on_its_way_fails_when_its_charge_is_disputed(shop: Shop) -> None:
    charge = shop.charge()
    with shop.books() as books:
        books.put("charge", books.must("charge", charge.id) | {"_refunds": "pending"})
    made = shop.v1.refunds.create({"charge": charge.id, "amount": 500})
    assert made.status == "pending"
    shop.does(chargebacks.open_dispute, "charge", charge.id)
    made = shop.v1.refunds.retrieve(made.id)
    assert (made.status, made.failure_reason) == ("failed", "charge_for_pending_refund_disputed")
    assert shop.v1.balance_transactions.retrieve(str(made.failure_balance_transaction)).amount == 500


def test_evidence_is_staged_and_sent_once(shop: Shop) -> None:
    dispute = opened(shop)
    staged = shop.v1.disputes.update(
        dispute.id,
        {"evidence": {"product_description": "A session"}, "submit": False, "metadata": {"a": "b"}},
    )
    assert (staged.status, staged.evidence_details.has_evidence) == ("needs_response", True)
    assert (staged.evidence_details.submission_count, staged.metadata["a"]) == (0, "b")
    sent = shop.v1.disputes.update(dispute.id, {"submit": True})
    assert (sent.status, sent.evidence_details.submission_count) == ("under_review", 1)
    assert sent.evidence.product_description == "A session"
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.disputes.update(dispute.id, {"evidence": {"customer_name": "B"}})
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.disputes.close(dispute.id)


def test_sending_is_what_an_update_does_unless_told_otherwise(shop: Shop) -> None:
    dispute = opened(shop)
    assert (
        shop.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": "x"}}).status
        == "under_review"
    )


@pytest.mark.parametrize(("words", "end"), [("winning_evidence", "won"), ("losing_evidence", "lost")])
def test_the_words_of_the_test_mode_decide_it(shop: Shop, words: str, end: str) -> None:
    dispute = opened(shop)
    assert shop.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": words}}).status == end


def test_a_deadline_without_an_answer_is_lost(shop: Shop) -> None:
    dispute = opened(shop)
    due = dispute.evidence_details.due_by
    assert due
    shop.later(days=14)
    assert shop.v1.disputes.retrieve(dispute.id).status == "needs_response"
    shop.later(days=1)
    dispute = shop.v1.disputes.retrieve(dispute.id)
    assert (dispute.status, dispute.evidence_details.past_due) == ("lost", True)
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": "too late"}})


def test_a_deadline_may_be_missing(shop: Shop) -> None:
    dispute = opened(shop, deadline=False)
    assert dispute.evidence_details.due_by is None
    shop.later(days=200)
    assert shop.v1.disputes.retrieve(dispute.id).status == "needs_response"


def test_an_inquiry_moves_nothing_and_comes_to_nothing(shop: Shop) -> None:
    dispute = opened(shop, "inquiry")
    assert (dispute.status, dispute.balance_transactions, dispute.is_charge_refundable) == (
        "warning_needs_response",
        [],
        True,
    )
    sent = shop.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": "see"}})
    assert sent.status == "warning_under_review"
    shop.later(days=121)
    assert shop.v1.disputes.retrieve(dispute.id).status == "warning_closed"
    assert shop.told()[-1] == "charge.dispute.closed"


def test_an_inquiry_may_become_a_dispute(shop: Shop) -> None:
    dispute = opened(shop, "inquiry")
    shop.does(chargebacks.escalate, "dispute", dispute.id)
    dispute = shop.v1.disputes.retrieve(dispute.id)
    assert (dispute.status, dispute.is_charge_refundable) == ("needs_response", False)
    assert dispute.balance_transactions[0].amount == -AMOUNT


def test_a_whole_refund_answers_an_inquiry(shop: Shop) -> None:
    dispute = opened(shop, "inquiry")
    shop.v1.refunds.create({"payment_intent": str(dispute.payment_intent)})
    assert shop.v1.disputes.retrieve(dispute.id).status == "warning_closed"


def test_prevented_moves_nothing_or_gives_the_money_back_without_a_fee(shop: Shop) -> None:
    assert opened(shop, "prevented").balance_transactions == []
    dispute = opened(shop, "resolved")
    assert (dispute.status, dispute.balance_transactions[0].net) == ("prevented", -AMOUNT)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.refunds.create({"payment_intent": str(dispute.payment_intent)})
    assert code(refused) == "charge_disputed"


def test_they_are_found_by_charge_by_payment_and_by_time(shop: Shop) -> None:
    first, second = opened(shop), opened(shop)
    found = shop.v1.disputes.list({"charge": str(first.charge)})
    assert [one.id for one in found.data] == [first.id]
    found = shop.v1.disputes.list({"payment_intent": str(second.payment_intent), "created": {"gte": 1}})
    assert [one.id for one in found.data] == [second.id]
    assert not shop.v1.disputes.list({"created": {"gt": second.created}}).data
    page = shop.v1.disputes.list({"limit": 1})
    assert (page.has_more, page.data[0].id) == (True, second.id)
    assert [one.id for one in shop.v1.disputes.list({"limit": 1}).auto_paging_iter()] == [second.id, first.id]


def test_files_are_not_made_up(shop: Shop) -> None:
    dispute = opened(shop)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.disputes.update(dispute.id, {"evidence": {"receipt": "file_none"}})
    assert code(refused) == "resource_missing"


def test_no_refund_fails_after_thirty_days(shop: Shop) -> None:
    charge = shop.charge()
    made = shop.v1.refunds.create({"charge": charge.id})
    shop.later(days=31)
    with pytest.raises(Exception, match="thirty days"):
        shop.does(refunds.fail, "refund", made.id)
