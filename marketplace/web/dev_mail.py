"""The mailbox of demo mode: every letter as it would reach its reader. In production none of this exists."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint, Response, abort, render_template, request, url_for

from ..services.letters import LetterPage, letter, letters
from .access import rule
from .cursor import read_cursor, write_cursor
from .house import house

bp = Blueprint("devmail", __name__, url_prefix="/dev/mail")

# A letter styles itself in place, as mail readers want it, and may do nothing else: no script, no
# request, no form; `sandbox` gives it an origin of its own.
LETTER_CSP = "sandbox allow-popups; default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


@bp.before_request
def demo_only() -> None:
    """Where there is no demo there is no such page."""
    if not house().config.demo:
        abort(404)


@bp.get("")
@rule("public")
def mail() -> Any:
    """The letters, newest first; of one address with ?to=."""
    recipient = request.args.get("to", "").replace("\0", "").strip()[:254]
    with house().db.reading() as session:
        rows, more = letters(session, recipient=recipient, before=read_cursor(request.args.get("after")))
    older = None
    if more:
        last = rows[-1]
        older = url_for("devmail.mail", after=write_cursor((last.made_at, last.id)), to=recipient or None)
    return render_template(
        "dev/mail.html",
        rows=rows,
        recipient=recipient,
        older=older,
        through_smtp=bool(house().config.smtp_url),
    )


@bp.get("/<uuid:letter_id>")
@rule("public")
def one(letter_id: uuid.UUID) -> Any:
    """A letter: its text part, and where its other parts are."""
    return render_template("dev/mail_one.html", page=_door(letter_id))


@bp.get("/<uuid:letter_id>/html")
@rule("public")
def html(letter_id: uuid.UUID) -> Response:
    """The HTML part by itself, in a sandbox of the browser's."""
    page = _kept(letter_id)
    answer = Response(page.html, mimetype="text/html")
    answer.headers["Content-Security-Policy"] = LETTER_CSP
    return answer


@bp.get("/<uuid:letter_id>/invitation.ics")
@rule("public")
def invitation(letter_id: uuid.UUID) -> Response:
    """The calendar file that came with it."""
    page = _kept(letter_id)
    if not page.calendar:
        abort(404)
    answer = Response(page.calendar, mimetype="text/calendar")
    answer.headers["Content-Disposition"] = 'attachment; filename="invitation.ics"'
    return answer


@bp.get("/<uuid:letter_id>/source")
@rule("public")
def source(letter_id: uuid.UUID) -> Response:
    """The message as it is, headers and all."""
    return Response(_kept(letter_id).source, content_type="text/plain; charset=utf-8")


def _door(letter_id: uuid.UUID) -> LetterPage:
    with house().db.reading() as session:
        page = letter(session, letter_id)
    if page is None:
        abort(404)
    return page


def _kept(letter_id: uuid.UUID) -> LetterPage:
    page = _door(letter_id)
    if not page.kept:
        abort(404)
    return page
