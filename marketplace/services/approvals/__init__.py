"""Approvals: a company's rule, its approver, and how somebody becomes that. Bookings make the moves."""

from .inviting import (
    Invited,
    cancel_invitation,
    give_invitation_token,
    invitation_of,
    invite_approver,
    join_as_approver,
    join_as_newcomer,
    remove_approver,
)
from .rules import Approvals, approvals_of, approver_for, asks_for, rule_of, set_rule

__all__ = [
    "Approvals", "Invited", "approvals_of", "approver_for", "asks_for", "cancel_invitation", "give_invitation_token",
    "invitation_of", "invite_approver", "join_as_approver", "join_as_newcomer", "remove_approver", "rule_of",
    "set_rule",
]  # fmt: skip
