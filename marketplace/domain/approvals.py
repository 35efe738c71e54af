"""Approvals: the simple rule of a company. Above an amount, or always; one approver (issue 7; the rich rules
come with the companies).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from .errors import ApprovalRuleWrong

KINDS = ("always", "above")
INVITATION_LIVES = timedelta(days=7)
# An amount nobody books above says that the rule is not wanted.
MOST_ABOVE = 10_000_000


def asks(kind: str | None, above_minor: int | None, total: int) -> bool:
    """Whether the rule asks an approver for this total with VAT (minor units). `above`: more than the amount."""
    return kind == "always" or (kind == "above" and above_minor is not None and total > above_minor)


def check_rule(kind: str, above_minor: int | None) -> int | None:
    """The amount to keep with a rule of this kind (minor units). Raises ApprovalRuleWrong."""
    if kind not in ("none", *KINDS):
        raise ApprovalRuleWrong(why="kind")
    if kind != "above":
        return None
    if above_minor is None or not 0 < above_minor <= MOST_ABOVE:
        raise ApprovalRuleWrong(why="amount", most=MOST_ABOVE)
    return above_minor


def invitation_until(made_at: datetime) -> datetime:
    """An invitation is good for 7 days."""
    return made_at + INVITATION_LIVES
