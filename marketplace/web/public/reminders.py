"""Ending reminders from the mail itself (RFC 8058): GET shows a page, POST acts, signed in or not."""

from __future__ import annotations

from typing import Any

from flask import render_template

from ...domain.reminders import KINDS
from ...services import feeds
from ..access import rule
from ..gate import signed
from ..house import house
from . import blueprint

_KIND = f"<any({', '.join(KINDS)}, all):kind>"


@blueprint.get(f"/reminders/<token>/{_KIND}")
@rule("public")
def reminders(token: str, kind: str) -> str:
    """What would end, with its buttons. Mail readers look at addresses: looking changes nothing."""
    with house().db.reading() as session:
        off = feeds.muted_reminders(session, token[:64])
    return render_template("public/reminders.html", off=off, token=token, kind=kind)


@blueprint.post(f"/reminders/<token>/{_KIND}")
@rule("public")
@signed
def mute_reminders(token: str, kind: str) -> Any:
    """End this kind, or all. The address is the proof: the mail reader's own button knows no form of ours."""
    feeds.mute_reminders(house().db, token[:64], KINDS if kind == "all" else (kind,))
    return reminders(token, kind)
