"""Refusals around reports, decisions and refunds by operators."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from ...domain import errors
from ...domain.errors import Refusal
from ..formats.times import moment
from ..formats.words import attribute
from ..language import current_zone_name

Facts = Mapping[str, Any]


def _report(facts: Facts) -> str:
    why = facts.get("why")
    if why == "early":
        return _("This can be reported from %(when)s on.", when=_when(facts["when"]))
    if why == "share":
        return _("Choose a share between %(least)d%% and 100%%.", least=facts["least"])
    if why == "minutes":
        return ngettext(
            "The session was to last %(num)d minute: between 0 and that.",
            "The session was to last %(num)d minutes: between 0 and that.",
            facts["most"],
        )
    if why == "words":
        return ngettext(
            "Say what happened, in at least %(num)d character.",
            "Say what happened, in at least %(num)d characters.",
            facts["least"],
        )
    return {
        "late": _("The time to report a problem is over."),
        "kind": _("Choose what happened."),
        "again": _("You took this report back: the same cannot be reported again."),
        "changed": _("The other side asks for another share now: look again before you agree."),
    }.get(str(why), _("This cannot be reported now."))


def _evidence(facts: Facts) -> str:
    name = facts.get("name") or ""
    return {
        "size": _("%(name)s is too large: at most 5 MB a file.", name=name),
        "kind": _("%(name)s is neither a PDF nor a JPEG, PNG or WebP picture.", name=name),
        "pixels": _("%(name)s has too many pixels: at most 8,000 a side.", name=name),
        "broken": _("%(name)s cannot be read: save it again, or take another.", name=name),
        "many": _("At most three files at once, and twelve in all."),
    }[str(facts["why"])]


def _between(facts: Facts) -> str:
    return _("Until %(when)s it is between the two sides.", when=_when(facts["until"]))


def _another(facts: Facts) -> str:
    if facts.get("waiting"):
        return _("A proposal waits for a second operator already.")
    return _("Another operator is needed for this.")


def _chargeback(facts: Facts) -> str:
    return {
        "sent": _("The evidence was sent already: it can be sent once."),
        "over": _("This chargeback is over."),
        "late": _("The bank’s deadline has passed."),
        "empty": _("There is no evidence to send yet."),
        "changed": _("The evidence was built anew meanwhile: read it again before you send it."),
        "choice": _("Choose how it is booked."),
        "booked": _("It is in the books as a refund, and nothing more is left to be made one."),
    }[str(facts["why"])]


def _repayment(facts: Facts) -> str:
    return {
        "reference": _("Give the reference of the bank payment, as our statement shows it."),
        "waiting": _("This payment is noted already, and waits for a second operator."),
        "paid": _("This refund has been paid another way already."),
        "gone": _("This note was dropped meanwhile."),
    }[str(facts["why"])]


def _when(instant: Any) -> str:
    return attribute(moment(instant, current_zone_name()))


SENTENCES: Mapping[type[Refusal], Callable[[Facts], str]] = {
    errors.ReportRefused: _report,
    errors.EvidenceRefused: _evidence,
    errors.BetweenTheSides: _between,
    errors.SameOperator: _another,
    errors.RepaymentRefused: _repayment,
    errors.ChargebackRefused: _chargeback,
}

STATUSES: Mapping[type[Refusal], int] = {
    errors.BetweenTheSides: 409,
    errors.SameOperator: 409,
    # 422 where it is the reference that is missing; the others are somebody else's doing meanwhile.
    errors.RepaymentRefused: 422,
    errors.ChargebackRefused: 409,
}
