"""Ending the daily mail from the mail itself (RFC 8058): GET shows a page, POST acts, signed in or not."""

from __future__ import annotations

from typing import Any

from flask import render_template

from ...services import letters
from ..access import rule
from ..gate import signed
from ..house import house
from . import blueprint


@blueprint.get("/unsubscribe/<token>")
@rule("public")
def unsubscribe(token: str) -> str:
    """What would end, with its button. Mail readers look at addresses: looking changes nothing."""
    with house().db.reading() as session:
        off = letters.mails_off(session, token[:64])
    return render_template("public/unsubscribe.html", off=off, token=token)


@blueprint.post("/unsubscribe/<token>")
@rule("public")
@signed
def unsubscribe_now(token: str) -> Any:
    """End it. The address is the proof: the mail reader's own button knows no form of ours."""
    letters.unsubscribe(house().db, token[:64])
    return render_template("public/unsubscribe.html", off=True, token=token)
