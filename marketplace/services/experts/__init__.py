"""Experts: joining, what they write about themselves, the way to admission, the account they are paid on."""

from __future__ import annotations

from .account import open_dashboard, open_onboarding, refresh_own_account
from .checking import problems
from .deciding import (
    admit,
    ask_profile_changes,
    profile_diff,
    publish_profile,
    unadmit,
    unask_profile_changes,
    unpublish_profile,
)
from .drafting import Note, notes_of, profile_of, put_field, save_profile
from .joining import become_expert, sign_up_expert, start_expert
from .steps import Step, steps
from .submitting import accept_charter, submit_application, submit_profile, withdraw

__all__ = [
    "Note",
    "Step",
    "accept_charter",
    "admit",
    "ask_profile_changes",
    "become_expert",
    "notes_of",
    "open_dashboard",
    "open_onboarding",
    "problems",
    "profile_diff",
    "profile_of",
    "publish_profile",
    "put_field",
    "refresh_own_account",
    "save_profile",
    "sign_up_expert",
    "start_expert",
    "steps",
    "submit_application",
    "submit_profile",
    "unadmit",
    "unask_profile_changes",
    "unpublish_profile",
    "withdraw",
]
