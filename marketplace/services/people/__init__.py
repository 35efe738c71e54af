"""People: signing up, proving an address, logging in, what they accepted and what they prefer.

Log-ins and limits on trying keep real time, handed in as `real_now`; all else keeps the platform's
clock (docs/architecture.md, rule 7).
"""

from __future__ import annotations

from .addresses import (
    Asked,
    ask_address,
    asked_address,
    carried,
    change_address,
    forget_address,
    give_token,
    keep_address,
    unmailed_link,
)
from .documents import accept_documents, not_yet_accepted
from .joining import ask_reset, reset_password, sign_up, verify_address
from .limits import count_exports
from .links import link_owner, new_link
from .log_ins import (
    DemoPerson,
    SignedIn,
    demo_people,
    end_log_in,
    end_other_log_ins,
    list_log_ins,
    log_in,
    log_in_demo,
    log_out,
    seen,
    who,
)
from .passwords import change_password, prove_password
from .selves import actor_for, change_preferences, roles_of
from .trail import write_audit

__all__ = [
    "Asked",
    "DemoPerson",
    "SignedIn",
    "accept_documents",
    "actor_for",
    "ask_address",
    "ask_reset",
    "asked_address",
    "carried",
    "change_address",
    "change_password",
    "change_preferences",
    "count_exports",
    "demo_people",
    "end_log_in",
    "end_other_log_ins",
    "forget_address",
    "give_token",
    "keep_address",
    "link_owner",
    "list_log_ins",
    "log_in",
    "log_in_demo",
    "log_out",
    "new_link",
    "not_yet_accepted",
    "prove_password",
    "reset_password",
    "roles_of",
    "seen",
    "sign_up",
    "unmailed_link",
    "verify_address",
    "who",
    "write_audit",
]
