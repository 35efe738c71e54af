"""Chargebacks in the reader's words: where one stands, why the bank contests, what a field of evidence is."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask_babel import gettext as _

Words = Mapping[str, Callable[[], str]]
_STATES: Words = {
    "inquiry": lambda: _("The bank asks"),
    "inquiry_closed": lambda: _("The bank asks no more"),
    "open": lambda: _("Contested, to answer"),
    "review": lambda: _("The bank decides"),
    "won": lambda: _("Won"),
    "lost": lambda: _("Lost"),
    "prevented": lambda: _("Settled beforehand"),
}
_REASONS: Words = {
    "bank_cannot_process": lambda: _("the bank could not process it"),
    "check_returned": lambda: _("a check came back"),
    "credit_not_processed": lambda: _("a refund was expected and did not come"),
    "customer_initiated": lambda: _("the client asked for it"),
    "debit_not_authorized": lambda: _("the payment was not authorised"),
    "duplicate": lambda: _("paid twice"),
    "fraudulent": lambda: _("the cardholder did not make the payment"),
    "general": lambda: _("no particular reason"),
    "incorrect_account_details": lambda: _("wrong account details"),
    "insufficient_funds": lambda: _("not enough money on the account"),
    "noncompliant": lambda: _("against the card network’s rules"),
    "product_not_received": lambda: _("the session did not take place"),
    "product_unacceptable": lambda: _("the session was not as described"),
    "subscription_canceled": lambda: _("paid after a cancellation"),
    "unrecognized": lambda: _("the cardholder does not recognise the payment"),
}
_FIELDS: Words = {
    "access_activity_log": lambda: _("What happened, step by step"),
    "billing_address": lambda: _("Billing address"),
    "cancellation_policy_disclosure": lambda: _("How the cancellation terms were shown"),
    "cancellation_rebuttal": lambda: _("Whether it was cancelled"),
    "customer_email_address": lambda: _("The client’s address"),
    "customer_name": lambda: _("The client"),
    "customer_purchase_ip": lambda: _("Network address at the payment"),
    "duplicate_charge_explanation": lambda: _("Whether it was paid twice"),
    "product_description": lambda: _("What was sold"),
    "refund_policy_disclosure": lambda: _("How the refund terms were shown"),
    "refund_refusal_explanation": lambda: _("What was refunded, and why not more"),
    "service_date": lambda: _("Date of the session"),
    "uncategorized_text": lambda: _("Our words, the review, reports"),
}
_REFUSED: Words = {
    "evidence_unfit": lambda: _("It is longer than the provider takes."),
    "chargeback_not_open": lambda: _("The provider says that it can no longer be answered."),
}


def chargeback_state(state: str) -> str:
    """Where a chargeback stands."""
    return _STATES[state]()


def chargeback_reason(reason: str) -> str:
    """Why the bank contests; a word of the provider's that we do not know is shown as it is."""
    return _REASONS[reason]() if reason in _REASONS else reason.replace("_", " ")


def evidence_field(name: str) -> str:
    """What a field of evidence is about."""
    return _FIELDS[name]() if name in _FIELDS else name


def evidence_refused(said: str) -> str:
    """Why the provider did not take the evidence; its own words are for the log."""
    code = said.partition(":")[0]
    return _REFUSED[code]() if code in _REFUSED else _("The provider did not take it.")
