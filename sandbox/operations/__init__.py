"""The operations spoken: each answers one call with one object."""

from __future__ import annotations

from . import money, payments, people
from .reading import Call, Handler, getter, lister

ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("POST", "/v1/checkout/sessions", payments.create_session),
    ("GET", "/v1/checkout/sessions/{session}", getter("checkout.session")),
    ("POST", "/v1/checkout/sessions/{session}/expire", payments.expire_session),
    ("POST", "/v1/payment_intents", payments.create_intent),
    ("GET", "/v1/payment_intents", lister("payment_intent")),
    ("GET", "/v1/payment_intents/{intent}", getter("payment_intent")),
    ("POST", "/v1/payment_intents/{intent}/capture", payments.capture_intent),
    ("POST", "/v1/payment_intents/{intent}/cancel", payments.cancel_intent),
    ("GET", "/v1/charges", lister("charge")),
    ("GET", "/v1/charges/{charge}", getter("charge")),
    ("POST", "/v1/refunds", payments.create_refund),
    ("GET", "/v1/refunds", lister("refund")),
    ("GET", "/v1/refunds/{refund}", getter("refund")),
    ("POST", "/v1/refunds/{refund}/cancel", payments.cancel_refund),
    ("GET", "/v1/disputes", lister("dispute")),
    ("GET", "/v1/disputes/{dispute}", getter("dispute")),
    ("POST", "/v1/disputes/{dispute}", payments.update_dispute),
    ("POST", "/v1/disputes/{dispute}/close", payments.close_dispute),
    ("POST", "/v1/customers", payments.create_customer),
    ("GET", "/v1/customers/{customer}", getter("customer")),
    ("GET", "/v1/customers/{customer}/cash_balance", payments.cash_balance),
    ("GET", "/v1/customers/{customer}/cash_balance_transactions", payments.list_cash),
    ("POST", "/v1/test_helpers/customers/{customer}/fund_cash_balance", payments.fund),
    ("POST", "/v1/transfers", money.create_transfer),
    ("GET", "/v1/transfers", lister("transfer")),
    ("GET", "/v1/transfers/{transfer}", getter("transfer")),
    ("POST", "/v1/transfers/{id}/reversals", money.create_reversal),
    ("GET", "/v1/transfers/{id}/reversals", money.list_reversals),
    ("GET", "/v1/balance", money.get_balance),
    ("GET", "/v1/balance_transactions", money.list_lines),
    ("GET", "/v1/balance_transactions/{id}", getter("balance_transaction")),
    ("GET", "/v1/balance_settings", money.get_settings),
    ("POST", "/v1/balance_settings", money.set_settings),
    ("POST", "/v1/payouts", money.create_payout),
    ("GET", "/v1/payouts", lister("payout")),
    ("GET", "/v1/payouts/{payout}", getter("payout")),
    ("POST", "/v1/payouts/{payout}/cancel", money.cancel_payout),
    ("POST", "/v1/topups", money.create_topup),
    ("GET", "/v1/topups", lister("topup")),
    ("GET", "/v1/topups/{topup}", getter("topup")),
    ("GET", "/v1/events", money.list_events),
    ("GET", "/v1/events/{id}", money.get_event),
    ("POST", "/v1/accounts/{account}/login_links", people.create_login_link),
    ("POST", "/v2/core/accounts", people.create_account),
    ("GET", "/v2/core/accounts/{id}", people.get_account),
    ("POST", "/v2/core/account_links", people.create_link),
    ("GET", "/v2/core/events/{id}", getter("v2.core.event")),
)

__all__ = ["ROUTES", "Call", "Handler"]
