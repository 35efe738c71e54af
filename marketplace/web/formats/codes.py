"""Codes the records keep, in the reader's words. What is no code of ours was typed by somebody and stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask_babel import gettext as _

from .speech import NO_BREAK, lang

Words = Mapping[str, Callable[[], str]]

_REASONS: Words = {
    "no_time": lambda: _("The time does not suit"),
    "not_my_problem": lambda: _("It is another problem than the one told in the offer"),
    "conflict": lambda: _("A conflict of interest"),
    "brief_unclear": lambda: _("The brief leaves too much open"),
    "other": lambda: _("Another reason"),
    "agreed_before": lambda: _("Accepted in advance, this slot and price"),
    "standing_acceptance": lambda: _("Accepted in advance, as the offer says"),
    "late_payment": lambda: _("The payment arrived when nothing awaited it any more"),
}
_PAYMENTS: Words = {
    "created": lambda: _("being prepared"),
    "open": lambda: _("payment page open"),
    "authorised": lambda: _("authorised, nothing taken"),
    "captured": lambda: _("taken"),
    "released": lambda: _("released, nothing taken"),
    "lost": lambda: _("could not be taken"),
    "closed": lambda: _("payment page closed, nothing taken"),
}
_CALLS: Words = {
    "due": lambda: _("waiting for its day"),
    "intended": lambda: _("about to be sent"),
    "sent": lambda: _("sent, not answered yet"),
    "pending": lambda: _("under way at the provider"),
    "done": lambda: _("done"),
    "failed": lambda: _("failed"),
    "redecided": lambda: _("decided again, since the client’s bank contests the payment"),
}
# Which rule set the day (domain/transfers.py), and what keeps a transfer from leaving (services/payouts.py).
_TRANSFERS: Words = {
    "due": lambda: _("fallen due"),
    "new_expert": lambda: _("7 days later for each of the first three sessions"),
    "day_80": lambda: _("at the latest 80 days after the payment"),
    "bank_changed": lambda: _("72 hours after the bank account changed"),
    "chargeback": lambda: _("waiting: the client’s bank contests the payment"),
    "report": lambda: _("waiting: a problem was reported"),
    "frozen": lambda: _("waiting: the client’s bank contests the payment"),
    "account_restricted": lambda: _("waiting: the account at the provider takes no transfers yet"),
    "refund_under_way": lambda: _("waiting: a refund is under way"),
    "own_funds": lambda: _(
        "waiting: the client did not pay, we do in their place as soon as our funds allow"
    ),
    "balance_insufficient": lambda: _("waiting: the money has not reached the balance at the provider yet"),
}
_LOST: Words = {
    "not_asked": lambda: _("Let go before asking"),
    "withdrawn": lambda: _("Withdrawn by the client"),
    "refused": lambda: _("Refused in-house"),
    "unanswered": lambda: _("Not answered in time"),
    "unpaid": lambda: _("Not paid"),
    "cancelled_by_buyer": lambda: _("Cancelled by the client"),
    "cancelled_by_expert": lambda: _("Cancelled by you"),
    "stopped": lambda: _("Stopped by the operators"),
}
_LEDGER: Words = {
    "captured": lambda: _("Payment taken"),
    "provider_fee": lambda: _("Provider’s fee"),
    "share_due": lambda: _("Share due to the expert"),
    "refund": lambda: _("Refund"),
    "refund_failed": lambda: _("Refund that did not arrive"),
    "transfer": lambda: _("Transfer to the expert"),
    "reversal": lambda: _("Part of the transfer brought back"),
    "not_reversed": lambda: _("Owed by the expert: it could not be brought back"),
    "chargeback": lambda: _("Taken by the client’s bank"),
    "chargeback_more": lambda: _("Taken later by the client’s bank"),
    "chargeback_returned": lambda: _("Given back by the client’s bank"),
    "chargeback_lost": lambda: _("Lost to the client’s bank"),
    "loss_refunded": lambda: _("Of that loss, a refund since"),
}


def lost_words(why: str) -> str:
    """Why a booking came to nothing (services/offers/figures.py), or an expert's reason to decline."""
    return _LOST[why]() if why in _LOST else reason_words(why)


def reason_words(reason: str) -> str:
    """A booking's reason: a code, a code with words behind ": ", or words alone."""
    code, _colon, typed = reason.partition(": ")
    if code not in _REASONS:
        return reason
    said = _REASONS[code]()
    if not typed:
        return said
    return f"{said}{NO_BREAK if lang() == 'fr' else ''}: {typed}"


def payment_state(state: str) -> str:
    """Where a payment stands."""
    return _said(_PAYMENTS, state)


def call_state(state: str) -> str:
    """Where a refund, a transfer or another request to the provider stands."""
    return _said(_CALLS, state)


def transfer_why(why: str) -> str:
    """Why a transfer leaves on its day, or what keeps it; the provider's own words are for the log alone."""
    return _TRANSFERS.get(why, lambda: _("waiting: the provider has not accepted it yet"))()


def ledger_words(kind: str) -> str:
    """What a group of entries records."""
    return _said(_LEDGER, kind)


def _said(words: Words, code: str) -> str:
    return words[code]() if code in words else code
