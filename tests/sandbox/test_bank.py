"""Payments by bank transfer: where the money is to go, and how it comes: whole, in parts, too much, twice."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from sandbox import refunds

from .conftest import AMOUNT, Shop, code


def instructions(intent: Any) -> Any:
    return intent.next_action.display_bank_transfer_instructions


def cash(shop: Shop, customer: str) -> int:
    held: Any = shop.v1.customers.cash_balance.retrieve(customer).available
    return held["eur"] if held else 0


def arrives(shop: Shop, customer: str, amount: int, reference: str | None = None) -> None:
    shop.v1.test_helpers.customers.fund_cash_balance(
        customer, {"amount": amount, "currency": "eur", **({"reference": reference} if reference else {})}
    )


@pytest.mark.parametrize("country", ["DE", "FR", "IE", "NL"])
def test_says_where_the_money_is_to_go(shop: Shop, country: str) -> None:
    customer = shop.customer()
    asked = shop.transfer_asked(customer.id, country=country)
    told = instructions(asked)
    assert (asked.status, told.amount_remaining, told.currency, told.type) == (
        "requires_action", AMOUNT, "eur", "eu_bank_transfer",
    )  # fmt: skip
    iban = told.financial_addresses[0].iban
    assert iban.country == country == iban.iban[:2]
    number = "".join(str(int(one, 36)) for one in iban.iban[4:] + iban.iban[:4])
    assert int(number) % 97 == 1
    assert iban.bic
    assert told.reference
    assert told.hosted_instructions_url.startswith(shop.at.site)
    # The same account for the same customer.
    again = instructions(shop.transfer_asked(customer.id, country=country))
    assert again.financial_addresses[0].iban.iban == iban.iban


def test_whole(shop: Shop) -> None:
    customer = shop.customer()
    asked = shop.transfer_asked(customer.id)
    arrives(shop, customer.id, AMOUNT)
    paid = shop.v1.payment_intents.retrieve(asked.id, {"expand": ["latest_charge.balance_transaction"]})
    charge: Any = paid.latest_charge
    assert (paid.status, paid.amount_received, paid.next_action) == ("succeeded", AMOUNT, None)
    assert (charge.payment_method_details.type, charge.id[:3]) == ("customer_balance", "py_")
    assert (charge.balance_transaction.type, charge.balance_transaction.fee) == ("payment", 500)
    assert cash(shop, customer.id) == 0


def test_in_parts_then_too_much_and_twice(shop: Shop) -> None:
    customer = shop.customer()
    asked = shop.transfer_asked(customer.id)
    arrives(shop, customer.id, 50_000)
    seen = shop.v1.payment_intents.retrieve(asked.id)
    assert (seen.status, instructions(seen).amount_remaining) == ("requires_action", AMOUNT - 50_000)
    assert shop.told()[-1] == "payment_intent.partially_funded"
    arrives(shop, customer.id, AMOUNT)
    assert shop.v1.payment_intents.retrieve(asked.id).status == "succeeded"
    assert cash(shop, customer.id) == 50_000
    arrives(shop, customer.id, AMOUNT)
    assert cash(shop, customer.id) == 50_000 + AMOUNT
    assert shop.told()[-1] == "cash_balance.funds_available"


def test_the_reference_says_which_then_the_amount_then_age(shop: Shop) -> None:
    customer = shop.customer()
    old, fits, named = (shop.transfer_asked(customer.id, amount).id for amount in (30_000, 20_000, 10_000))
    reference = instructions(shop.v1.payment_intents.retrieve(named)).reference

    def paid() -> list[bool]:
        return [shop.v1.payment_intents.retrieve(one).status == "succeeded" for one in (old, fits, named)]

    arrives(shop, customer.id, 10_000, reference)
    assert paid() == [False, False, True]
    arrives(shop, customer.id, 20_000)
    assert paid() == [False, True, True]
    arrives(shop, customer.id, 31_000)
    assert (paid(), cash(shop, customer.id)) == ([True] * 3, 1_000)


def test_what_is_held_already_pays_the_next_one(shop: Shop) -> None:
    customer = shop.customer()
    arrives(shop, customer.id, 60_000)
    assert shop.transfer_asked(customer.id, 60_000).status == "succeeded"
    assert cash(shop, customer.id) == 0


def test_called_off_the_part_that_came_is_the_customers_again(shop: Shop) -> None:
    customer = shop.customer()
    asked = shop.transfer_asked(customer.id)
    arrives(shop, customer.id, 50_000)
    gone = shop.v1.payment_intents.cancel(asked.id, {"cancellation_reason": "requested_by_customer"})
    assert (gone.status, cash(shop, customer.id)) == ("canceled", 50_000)
    made = shop.v1.refunds.create(
        {"origin": "customer_balance", "customer": customer.id, "amount": 50_000, "currency": "eur"}
    )
    assert (made.status, cash(shop, customer.id)) == ("requires_action", 0)
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.refunds.create(
            {"origin": "customer_balance", "customer": customer.id, "amount": 1, "currency": "eur"}
        )
    assert shop.v1.refunds.cancel(made.id).status == "canceled"
    assert cash(shop, customer.id) == 50_000


def test_a_refund_waits_for_bank_details(shop: Shop) -> None:
    customer = shop.customer()
    asked = shop.transfer_asked(customer.id)
    arrives(shop, customer.id, AMOUNT)
    made = shop.v1.refunds.create({"payment_intent": asked.id, "amount": 10_000})
    told: Any = made.next_action
    assert (made.status, made.instructions_email) == ("requires_action", "buyer@x.example")
    assert told.display_details.email_sent.email_sent_to == "buyer@x.example"
    assert shop.v1.balance_transactions.retrieve(str(made.balance_transaction)).type == "payment_refund"
    shop.does(refunds.details_given, "refund", made.id)
    assert shop.v1.refunds.retrieve(made.id).status == "pending"
    shop.later(days=5)
    assert shop.v1.refunds.retrieve(made.id).status == "succeeded"


def test_bank_details_never_given(shop: Shop) -> None:
    customer = shop.customer()
    asked = shop.transfer_asked(customer.id)
    arrives(shop, customer.id, AMOUNT)
    before = sum(shop.balance())
    made = shop.v1.refunds.create({"payment_intent": asked.id})
    shop.later(days=46)
    assert shop.v1.refunds.retrieve(made.id).status == "canceled"
    assert sum(shop.balance()) == before
    assert shop.v1.refunds.create({"payment_intent": asked.id}).amount == AMOUNT


def test_without_an_address_nobody_can_be_asked(shop: Shop) -> None:
    customer = shop.v1.customers.create({"name": "Nobody"})
    asked = shop.transfer_asked(customer.id)
    arrives(shop, customer.id, AMOUNT)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.refunds.create({"payment_intent": asked.id})
    assert refused.value.param == "instructions_email"
    made = shop.v1.refunds.create({"payment_intent": asked.id, "instructions_email": "b@x.example"})
    assert made.status == "requires_action"


@pytest.mark.parametrize(
    ("changed", "param"),
    [
        ({"confirm": False}, "confirm"),
        ({"customer": "cus_none"}, "customer"),
        ({"payment_method_data": {}}, "payment_method_data"),
        ({"payment_method_options": {}}, "payment_method_options[customer_balance][bank_transfer][type]"),
    ],
)
def test_what_is_missing_is_refused_by_name(shop: Shop, changed: dict[str, Any], param: str) -> None:
    asked: Any = {
        "amount": AMOUNT, "currency": "eur", "customer": shop.customer().id, "confirm": True,
        "payment_method_data": {"type": "customer_balance"},
        "payment_method_options": {"customer_balance": {"funding_type": "bank_transfer", "bank_transfer": {
            "type": "eu_bank_transfer", "eu_bank_transfer": {"country": "DE"}}}},
    }  # fmt: skip
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.payment_intents.create(asked | changed)
    assert refused.value.param == param


def test_an_account_in_spain_is_not_possible(shop: Shop) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="ES"):
        shop.transfer_asked(shop.customer().id, country="ES")


def test_a_bank_transfer_is_not_disputed(shop: Shop) -> None:
    from sandbox import chargebacks
    from sandbox.wrong import Wrong

    customer = shop.customer()
    arrives(shop, customer.id, AMOUNT)
    charge = shop.transfer_asked(customer.id).latest_charge
    with pytest.raises(Wrong):
        shop.does(chargebacks.open_dispute, "charge", charge)


def test_refunds_of_it_fail_too(shop: Shop) -> None:
    customer = shop.customer()
    arrives(shop, customer.id, AMOUNT)
    asked = shop.transfer_asked(customer.id)
    made = shop.v1.refunds.create({"payment_intent": asked.id})
    shop.does(refunds.fail, "refund", made.id, "declined")
    line = shop.v1.balance_transactions.retrieve(
        str(shop.v1.refunds.retrieve(made.id).failure_balance_transaction)
    )
    assert (line.type, line.amount) == ("payment_failure_refund", AMOUNT)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        shop.v1.refunds.create({"payment_intent": asked.id, "amount": AMOUNT + 1})
    assert code(refused) is None
