"""A person's private calendar address, read by their calendar program: the token in it is the proof."""

from __future__ import annotations

from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as Answer

from ..services.letters import feed_file
from .access import rule
from .house import house

blueprint = Blueprint("feed", __name__)


@blueprint.get("/calendar/<token>.ics")
@rule("public")
def feed(token: str) -> Answer:
    """All their sessions as one iCalendar file; 304 where nothing has changed. NotFound for no address of ours."""
    with house().db.reading() as session:
        body = feed_file(session, house().stationery, token[:64], now=house().clock())
    answer = Response(body, mimetype="text/calendar")
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    answer.add_etag()
    return answer.make_conditional(request)
