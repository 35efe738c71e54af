"""What the fields of an offer are called, and what they say, in the reader's words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext

from .amounts import money_round
from .places import format_name, language_name, languages
from .speech import capital
from .times import duration

_NAMES: Mapping[str, Callable[[], str]] = {
    "language": lambda: _("Language of the text"),
    "title": lambda: _("Title"),
    "problem": lambda: _("The problem as it was"),
    "failed": lambda: _("What failed first"),
    "unlocked": lambda: _("What unlocked it"),
    "takeaways": lambda: _("What one leaves with"),
    "for_whom": lambda: _("For whom"),
    "not_for_whom": lambda: _("Not for whom"),
    "topics": lambda: _("Topics"),
    "industries": lambda: _("Industries"),
    "minutes": lambda: _("Length"),
    "price_minor": lambda: _("Price without VAT"),
    "format": lambda: _("Where"),
    "area": lambda: _("Area you travel to"),
    "languages": lambda: _("Languages of the session"),
    "notice_hours": lambda: _("Shortest notice"),
    "policy": lambda: _("Cancellation"),
    "instant": lambda: _("Confirmation"),
    "promises_plan": lambda: _("Written plan"),
    "questions": lambda: _("Your questions"),
}
_POLICIES: Mapping[str, Callable[[], str]] = {
    "flexible": lambda: _("Flexible"),
    "moderate": lambda: _("Moderate"),
    "strict": lambda: _("Strict"),
}


def offer_field(name: str) -> str:
    """What the form calls a field of an offer."""
    return _NAMES[name]()


def policy_name(policy: str) -> str:
    """flexible → Flexible, Souple."""
    return _POLICIES[policy]() if policy in _POLICIES else policy


def notice_words(hours: int) -> str:
    """4 hours, 3 days."""
    if hours < 48 or hours % 24:
        return ngettext("%(num)d hour", "%(num)d hours", hours)
    return ngettext("%(num)d day", "%(num)d days", hours // 24)


def offer_value(name: str, value: Any, named: Mapping[str, str] | None = None) -> list[str]:
    """A field's value as lines to read; none for an empty one. `named`: the taxonomy's names by slug."""
    if value in (None, "", []):
        return []
    if name in ("topics", "industries"):
        return [", ".join((named or {}).get(slug, slug) for slug in value)]
    if name in ("takeaways", "questions"):
        return list(value)
    said: Mapping[str, Callable[[], str]] = {
        "language": lambda: capital(language_name(value)),
        "languages": lambda: languages(value),
        "minutes": lambda: duration(value),
        "price_minor": lambda: money_round(value),
        "format": lambda: format_name(value),
        "notice_hours": lambda: notice_words(value),
        "policy": lambda: policy_name(value),
        "instant": lambda: _("Instant") if value else _("On request"),
        "promises_plan": lambda: _("Promised") if value else _("Not promised"),
    }
    return [said[name]()] if name in said else [part for part in str(value).split("\n") if part.strip()]


_LOST: Mapping[str, Callable[[], str]] = {
    "not_asked": lambda: _("the slot was let go"),
    "withdrawn": lambda: _("withdrawn before you answered"),
    "refused": lambda: _("refused in their company"),
    "unanswered": lambda: _("not answered in time"),
    "unpaid": lambda: _("the payment failed"),
    "cancelled_by_buyer": lambda: _("cancelled by the client"),
    "cancelled_by_expert": lambda: _("cancelled by you"),
    "stopped": lambda: _("stopped by the operators"),
    "no_time": lambda: _("declined: the time did not suit"),
    "not_my_problem": lambda: _("declined: another problem"),
    "conflict": lambda: _("declined: a conflict of interest"),
    "brief_unclear": lambda: _("declined: the brief was unclear"),
}


def lost_words(reason: str) -> str:
    """Why a booking came to nothing, as `services.offers.figures` names it."""
    return _LOST[reason]() if reason in _LOST else _("declined")
