"""Every object the provider makes is held to Stripe's published example of it and to the package's own class."""

from __future__ import annotations

import json
from typing import Any

import pytest
import stripe
import stripe.v2.core

from sandbox import accounts, balance, bank, chargebacks, payouts, refunds
from sandbox.operations import ROUTES
from sandbox.store import bare

from . import described
from .conftest import AMOUNT, Shop

CLASSES: dict[str, Any] = {
    "balance": stripe.Balance, "balance_settings": stripe.BalanceSettings,
    "balance_transaction": stripe.BalanceTransaction, "cash_balance": stripe.CashBalance, "charge": stripe.Charge,
    "checkout.session": stripe.checkout.Session, "customer": stripe.Customer,
    "customer_cash_balance_transaction": stripe.CustomerCashBalanceTransaction, "dispute": stripe.Dispute,
    "event": stripe.Event, "payment_intent": stripe.PaymentIntent, "payout": stripe.Payout,
    "refund": stripe.Refund, "topup": stripe.Topup, "transfer": stripe.Transfer,
    "transfer_reversal": stripe.TransferReversal, "v2.core.account": stripe.v2.core.Account, "v2.core.event": stripe.v2.core.Event,
    "v2.core.account_link": stripe.v2.core.AccountLink, "account": stripe.Account,
}  # fmt: skip
# In the published example and not shown here: what belongs to other products or to nobody's question.
LEFT_OUT: dict[str, set[str]] = {
    "customer_cash_balance_transaction": {"funded"},  # Of those that brought money.
    "checkout.session": {"*"},  # Two dozen settings of a page that is ours.
}


def everything(shop: Shop) -> list[dict[str, Any]]:
    """One of each, in each of its ways."""
    charge, reserved = shop.charge(), shop.paid(capture="manual")
    shop.v1.payment_intents.cancel(reserved.id)
    shop.at.click(shop.session().url, "decline")
    account, customer = shop.account(), shop.customer()
    sent = shop.v1.transfers.create({"amount": 900, "currency": "eur", "destination": account, "source_transaction": charge.id})  # fmt: skip
    shop.v1.transfers.reversals.create(sent.id, {"amount": 100})
    for kind in chargebacks.KINDS:
        shop.does(chargebacks.open_dispute, "charge", shop.charge().id, kind)
    failed = shop.v1.refunds.create({"charge": charge.id, "amount": 500})
    shop.does(refunds.fail, "refund", failed.id)
    asked = shop.transfer_asked(customer.id)
    with shop.books() as books:
        bank.arrives(books, customer.id, AMOUNT + 100)
        balance.charge_fee(books, 200, "Account fee")
    shop.v1.refunds.create({"payment_intent": asked.id})
    shop.v1.refunds.create(
        {"origin": "customer_balance", "customer": customer.id, "amount": 100, "currency": "eur"}
    )
    shop.transfer_asked(customer.id)
    shop.settle()
    shop.v1.topups.create({"amount": 500_000, "currency": "eur"})
    shop.v1.balance_settings.update({"payments": {"payouts": {"schedule": {"interval": "daily"}}}})
    shop.later(days=5)
    payout = shop.v1.payouts.list().data[0]
    shop.does(payouts.fail, "payout", payout.id)
    with shop.books() as books:
        rows = books.connection.execute("select data from sandbox.objects").fetchall()
        made = [bare(row["data"]) for row in rows if "object" in row["data"]]
        account_seen = accounts.first_generation(books.must("v2.core.account", account))
    made += [one["data"]["object"] for one in made if one["object"] == "event"]
    shown: list[Any] = [shop.v1.balance.retrieve(), shop.v1.balance_settings.retrieve(),
                        shop.v1.customers.cash_balance.retrieve(customer.id)]  # fmt: skip
    return [*made, *(one.to_dict() for one in shown), account_seen]


def test_every_object_has_its_published_names_and_kinds(shop: Shop) -> None:
    examples = json.loads((described.DATA / "objects.json").read_text("utf-8"))["resources"]
    wrong: set[str] = set()
    seen: set[str] = set()
    for one in everything(shop):
        kind = one["object"]
        seen.add(kind)
        if kind in ("balance_settings", "v2.core.account_link"):
            one.pop("id", None)  # Kept under it, shown without.
        if kind == "v2.core.event":
            one.pop("related_object")  # The notification's, which has no class of one name.
        known = set(CLASSES[kind].__annotations__) | set(examples.get(kind, {}))
        wrong |= {f"{kind}: {name} is nobody's" for name in one.keys() - known}
        left = LEFT_OUT.get(kind, set())
        if "*" not in left:
            wrong |= {
                f"{kind}: {name} is missing" for name in examples.get(kind, {}).keys() - one.keys() - left
            }
        if kind != "event":
            wrong |= set(differing(kind, one, examples.get(kind, {})))
    assert not wrong, "\n".join(sorted(wrong))
    assert seen == set(CLASSES)


def differing(where: str, ours: Any, theirs: Any) -> list[str]:
    """Where both say something and not the same kind of thing."""
    if ours is None or theirs is None or ours in ({}, []) or theirs in ({}, []):
        return []
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return [one for name in ours.keys() & theirs.keys() for one in differing(f"{where}.{name}", ours[name], theirs[name])]  # fmt: skip
    if (isinstance(ours, str) and isinstance(theirs, dict)) or (
        isinstance(ours, dict) and isinstance(theirs, str)
    ):
        return []  # Expanded in one of them.
    return (
        [] if type(ours) is type(theirs) else [f"{where}: {type(ours).__name__} for {type(theirs).__name__}"]
    )


def test_the_cut_down_is_what_the_package_and_the_description_say() -> None:
    kept = json.loads((described.DATA / "requests.json").read_text("utf-8"))["operations"]
    assert kept.keys() == described.OPERATIONS.keys()
    for name in described.OPERATIONS:
        missing = names(described.cut(described.package(name))) - names(kept[name])
        assert not missing, f"{name}: {missing}"


@pytest.mark.skipif(
    not described.SHARED.exists(), reason="the published description stands beside the checkout"
)
def test_the_cut_down_is_made_from_the_published_description() -> None:
    kept = json.loads((described.DATA / "requests.json").read_text("utf-8"))["operations"]
    assert kept == described.requests()


def test_every_operation_is_described() -> None:
    spoken = {f"{method} {path}" for method, path, _ in ROUTES}
    bodies = {
        one for one in spoken if one.startswith("POST /v2")
    }  # Checked by hand: JSON, newer than the description.
    assert spoken - bodies - described.OPERATIONS.keys() == {
        "GET /v2/core/events/{id}", "GET /v1/customers/{customer}/cash_balance_transactions",
    }  # fmt: skip


def names(schema: dict[str, Any]) -> set[str]:
    """The names on the first floor; below it the description is the older and the fuller one."""
    return set(schema.get("properties", {}))
