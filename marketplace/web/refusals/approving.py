"""Refusals around approvals by the company."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask_babel import gettext as _

from ...domain import errors
from ...domain.errors import Refusal
from ..formats.amounts import money, money_round

Facts = Mapping[str, Any]


def _rule(facts: Facts) -> str:
    if facts.get("why") == "amount":
        return _("Give an amount between 0 and %(most)s.", most=money_round(facts["most"]))
    return _("Choose when somebody has to approve.")


def _wrong(facts: Facts) -> str:
    if facts.get("why") == "self":
        return _("Nobody approves what they ask for themselves: invite somebody else.")
    return _("Whoever approves has an address of your company, at %(domain)s.", domain=facts["domain"])


def _answered(facts: Facts) -> str:
    if facts["answer"] == "refused":
        return _("This was refused already, and with that it is over.")
    return _("This was approved already: from here on only whoever asked can let it go.")


SENTENCES: Mapping[type[Refusal], Callable[[Facts], str]] = {
    errors.ApprovalNeeded: lambda facts: _(
        "Your company asks for an approval before %(amount)s are paid: ask for it here.",
        amount=money(facts["total"]),
    ),
    errors.ApprovalNotAsked: lambda facts: _("Your company asks for no approval here: you can pay at once."),
    errors.ApprovalAnswered: _answered,
    errors.NoApprover: lambda facts: _(
        "Nobody but you approves for your company yet: its administrator invites somebody on the page of the company."
    ),
    errors.ApproverWrong: _wrong,
    errors.ApproverStands: lambda facts: _(
        "%(name)s approves already: take that role back first.", name=facts["name"]
    ),
    errors.ApprovalRuleWrong: _rule,
    errors.NoTerms: lambda facts: _("Your company pays by card: no payment terms were agreed."),
}
STATUSES: Mapping[type[Refusal], int] = {
    errors.ApprovalNeeded: 409,
    errors.ApprovalNotAsked: 409,
    errors.ApprovalAnswered: 409,
    errors.NoApprover: 409,
    errors.NoTerms: 409,
}
