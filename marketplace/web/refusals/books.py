"""Refusals around the books: closing a month, our own payouts, VAT."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask_babel import gettext as _

from ...domain import errors
from ...domain.errors import Refusal
from ..formats.amounts import money

Facts = Mapping[str, Any]


def _month(facts: Facts) -> str:
    return {
        "open": _("This month is not over: it can be closed an hour after its end."),
        "order": _("Months are closed one after the other: this one is closed, or another comes first."),
        "stopped": _(
            "The books do not hold: what is written down for ever must be right. See the check first."
        ),
    }[str(facts["why"])]


def _payout(facts: Facts) -> str:
    if facts["why"] == "too_much":
        return _("At most %(amount)s are ours now.", amount=money(facts["most"]))
    if facts["why"] == "changed":
        return _("Meanwhile only %(amount)s are ours: look again.", amount=money(facts["most"]))
    return {
        "stopped": _("Nothing is paid out while the books do not hold."),
        "short": _("Nothing is paid out while money is missing from the balance."),
        "schedule": _("Nothing is paid out from here while the provider pays out by itself."),
        "waiting": _("Another payout is under way, or waits for a second operator."),
        "nothing": _("An amount above zero, such as 1,200.50."),
        "gone": _("Somebody has answered this one."),
    }[str(facts["why"])]


def _vat(facts: Facts) -> str:
    return {
        "nothing": _("No VAT of a closed month is due."),
        "not_closed": _("This is no longer the month that is due: look again."),
        "reference": _("The reference of the payment is missing."),
        "day": _("The day is missing, lies before the end of the month or in the future."),
    }[str(facts["why"])]


SENTENCES: Mapping[type[Refusal], Callable[[Facts], str]] = {
    errors.MonthRefused: _month,
    errors.PlatformPayoutRefused: _payout,
    errors.VatPaymentRefused: _vat,
}

STATUSES: Mapping[type[Refusal], int] = {}
