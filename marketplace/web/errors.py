"""Error pages: what happened, what it means for what one was doing, one way on. Also without a database."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from typing import Any

from flask import Flask, g, jsonify, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from ..domain.errors import ProviderBusy, Refusal, TooManyHolds, TooManyTries
from ..services.bookings.reading import held_by
from . import again, refusals
from .access import ProveFirst, SignInFirst
from .formats.times import moment_day
from .gate import is_from_us, safe_next, where_from
from .house import house, real_now
from .language import current_zone_name
from .problems import problem
from .security import MOST_OF_FILES

log = logging.getLogger(__name__)

RETRY_SECONDS = 10
# Of a body that is too large; whoever sends more than this meets a cut line.
MOST_READ_ON = 128 * 1024 * 1024
# Read by machines: they get a line, not a page.
MACHINES = ("/webhooks/", "/healthz")
# They get problem details (RFC 9457).
PROGRAMS = "/api/"


def start(app: Flask) -> None:
    """Register a handler for everything that can go wrong."""
    app.register_error_handler(SignInFirst, sign_in_first)
    app.register_error_handler(ProveFirst, prove_first)
    app.register_error_handler(CSRFError, not_from_here)
    app.register_error_handler(Refusal, refused)
    for away in (OperationalError, InterfaceError, PoolTimeout):
        app.register_error_handler(away, database_away)
    app.register_error_handler(DBAPIError, database_error)
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(500, our_fault)


def sign_in_first(_refused: SignInFirst) -> Any:
    """To the log-in and back; what was posted waits there to be sent again."""
    if request.method in ("GET", "HEAD"):
        back = safe_next(request.full_path.rstrip("?"))
        return redirect(url_for("account.log_in", next=back), 303)
    if _is_script():
        return jsonify(error=_("You have been signed out. Sign in again; what you wrote is still here.")), 401
    typed = again.typed_now()
    return _answer(401, "errors/sign_in.html", kept=again.pack(typed) if typed else "", back=where_from())


# Where each step is taken.
STEPS = {"prove": "account.prove", "set_up": "account.factor", "confirm": "account.confirm"}


def prove_first(refused: ProveFirst) -> Any:
    """To the proof and back; what was posted waits there to be sent again."""
    if request.method in ("GET", "HEAD"):
        back = safe_next(request.full_path.rstrip("?"))
        return redirect(url_for(STEPS[refused.step], next=back), 303)
    if _is_script():
        return jsonify(error=_("Confirm first that it is you. What you wrote is still here.")), 401
    typed = again.typed_now()
    kept = again.pack(typed) if typed else ""
    return _answer(
        401,
        "errors/prove.html",
        step=refused.step,
        endpoint=STEPS[refused.step],
        kept=kept,
        back=where_from(),
    )


def not_from_here(_refused: CSRFError) -> Any:
    """403: the form's token is not this session's. From our own page, what was typed can be sent again."""
    typed = again.typed_now() if is_from_us() else None
    if _is_script():
        return jsonify(error=_("This page was open too long. Reload it; copy what you wrote first.")), 403
    return _answer(403, "errors/again.html", typed=typed, back=where_from())


def refused(refusal: Refusal) -> Any:
    """The refusal's own sentence, with its status."""
    status = refusals.status(refusal)
    text = refusals.sentence(refusal)
    if _is_script():
        return jsonify(error=text), status
    if status == 404:
        return _page(404)
    answer = _page(status, text=text, links=_held() if isinstance(refusal, TooManyHolds) else ())
    if isinstance(refusal, TooManyTries):
        wait = (refusal.facts["until"] - real_now()).total_seconds()
        answer.headers["Retry-After"] = str(max(1, int(wait) + 1))
    if isinstance(refusal, ProviderBusy):
        answer.headers["Retry-After"] = str(RETRY_SECONDS)
    return answer


def _held() -> list[tuple[str, str, str, str]]:
    """Where the slots are that whoever asks holds already: (address, title, its language, when)."""
    with house().db.reading() as session:
        rows = held_by(session, g.actor.person_id, house().clock())
    zone = current_zone_name()
    return [
        (
            url_for("buyer.booking", reference=row.reference),
            row.title,
            row.language,
            moment_day(row.starts_at, zone),
        )
        for row in rows
    ]


def database_away(error: Exception) -> Any:
    """503 and when to come back: nothing was done, nothing is lost."""
    log.warning("the database does not answer: %s", error.__class__.__name__)
    g.away = True
    answer = _page(503)
    answer.headers["Retry-After"] = str(RETRY_SECONDS)
    return answer


def database_error(error: DBAPIError) -> Any:
    """A broken connection is the database away; a value no column takes is a request that cannot be read."""
    if error.connection_invalidated:
        return database_away(error)
    if isinstance(error, DataError):
        log.warning("a value no column takes came through: %s", error)
        return _page(400)
    return our_fault(error)


def http_error(error: HTTPException) -> Any:
    """Werkzeug's own: 400, 404, 405, 413 and their like."""
    if error.code is None or error.code < 400:
        return error
    if error.code >= 500:
        return our_fault(error)
    if error.code == 413:
        _read_on()
    answer = _page(error.code)
    for name, value in error.get_response().headers:
        if name in ("Allow", "Retry-After"):
            answer.headers[name] = value
    return answer


def _read_on() -> None:
    """Let a body that is refused arrive: a browser sends all of it before it reads, and would meet a cut line."""
    left = MOST_READ_ON
    try:
        while left > 0 and (part := request.environ["wsgi.input"].read(min(left, 256 * 1024))):
            left -= len(part)
    except (OSError, ValueError):
        log.info("a body too large was not sent to its end")


def our_fault(error: Exception) -> Any:
    """500 with a number that is in the log too."""
    number = secrets.token_hex(4)
    log.error("error %s at %s %s", number, request.method, request.path, exc_info=getattr(error, "original_exception", None) or error)  # fmt: skip
    if getattr(error, "code", 500) == 503:
        return _page(503)
    return _page(500, number=number)


def words(status: int) -> tuple[str, str]:
    """Title and text of a status's page."""
    known = {
        400: (_("This request cannot be read"), _("Part of it is damaged. Go back and try again.")),
        401: (_("Sign in first"), _("This page is open to people who are signed in.")),
        403: (_("This form was open too long"), _("Nothing was sent.")),
        404: (_("There is no such page"), _("It may have moved, or it is not open to you.")),
        405: (_("This page does not take that"), _("It was reached by a way it does not know. Go there by its link.")),
        409: (_("Things have moved on"), _("This can no longer be done.")),
        413: (_("That is too much at once"), _("The file is too large: at most 5 megabytes.") if request.endpoint in MOST_OF_FILES
              else _("At most one megabyte can be sent. Shorten the text and send it again.")),
        422: (_("Something is still to be corrected"), _("Go back and correct it.")),
        429: (_("Too many tries"), _("Wait a while, then try again.")),
        500: (_("A fault of ours"), _("Nothing you did caused it. It is recorded and we look into it.")),
        503: (_("One moment, please"), _("The records do not answer just now. Nothing was lost: try again in a few seconds.")),
    }  # fmt: skip
    return known.get(status, known[400] if status < 500 else known[500])


def _page(
    status: int, *, text: str = "", number: str = "", links: Sequence[tuple[str, str, str, str]] = ()
) -> Response:
    if request.path.startswith(PROGRAMS):
        return problem(status, detail=text if status == 503 else "", number=number)
    title, said = words(status)
    if request.path.startswith(MACHINES):
        return make_response(f"{status}\n", status, {"Content-Type": "text/plain; charset=utf-8"})
    if _is_script():
        return make_response(jsonify(error=text or said), status)
    back = where_from() if request.method == "POST" else None
    return _answer(
        status, "errors/page.html", heading=title, text=text or said, number=number, back=back, links=links
    )


def _answer(status: int, template: str, **facts: Any) -> Response:
    try:
        return make_response(render_template(template, status=status, **facts), status)
    except Exception:
        # The frame itself needs something that is away: a page that needs nothing.
        log.warning("the error page of %s could not be drawn", status, exc_info=True)
        g.away = True
        title, text = words(status)
        bare = render_template("errors/_bare.html", heading=title, text=text, number=facts.get("number", ""))
        return make_response(bare, status)


def _is_script() -> bool:
    """Our autosave says who it is; it shows a sentence, not a page."""
    return request.headers.get("X-Autosave") == "1"
