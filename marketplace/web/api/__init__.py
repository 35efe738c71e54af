"""The read API, for programs: JSON, the same for everybody, no cookies, problem details for what goes wrong.

Who asks is nobody (web/gate.py passes over it), `lang` alone says the language (web/language.py), and
errors leave by web/problems.py. Answers are not opened to other sites' scripts (no CORS).
"""

from __future__ import annotations

from flask import Blueprint, Response, request

from ...services.people.limits import count_reads
from ..house import house, real_now

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")
# An offer changes rarely; that it was taken down is to be known soon.
KEPT = "public, max-age=60"


@blueprint.before_request
def not_too_often() -> None:
    """429 for a network that asks without end."""
    refused = count_reads(house().db, request.remote_addr or "", real_now())
    if refused is not None:
        raise refused


@blueprint.after_request
def say_how_long(answer: Response) -> Response:
    """What answers somebody's own words is nobody else's to keep."""
    answer.headers.setdefault("Cache-Control", "no-store" if "q" in request.args else KEPT)
    return answer


from . import description, offers, slots  # noqa: E402, F401 - views register themselves on the blueprint
