"""What went wrong, for whoever reads by machine: problem details (RFC 9457) below /api/."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated

from flask import Response, json
from flask_babel import gettext as _

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True)
class Wrong:
    """One parameter that cannot be taken as it is."""

    parameter: Annotated[str, "its name"]
    detail: Annotated[str, "what it has to be, in the language of `lang`"]


@dataclass(frozen=True)
class Problem:
    """A problem detail (RFC 9457). `about:blank`: the status says what kind it is."""

    type: str
    title: Annotated[str, "the status in words, in the language of `lang`"]
    status: int
    detail: str
    errors: Annotated[tuple[Wrong, ...], "with 422: one for each parameter"] = ()
    number: Annotated[str, "with 500: the number under which it stands in our log"] = ""


def problem(status: int, *, detail: str = "", errors: Sequence[Wrong] = (), number: str = "") -> Response:
    """The answer for this status, with what is always said of it unless told more; never kept by a cache."""
    title, said = _words(status)
    told = asdict(Problem("about:blank", title, status, detail or said, tuple(errors), number))
    whole = {name: value for name, value in told.items() if value or name not in ("errors", "number")}
    answer = Response(json.dumps(whole) + "\n", status, mimetype=MEDIA_TYPE)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _words(status: int) -> tuple[str, str]:
    known = {
        400: (_("Bad request"), _("Part of it is damaged: bytes that are no UTF-8, or a character nothing can hold.")),
        404: (_("Not found"), _("No offer that is live has this id, or there is no such address.")),
        405: (_("Method not allowed"), _("What stands here is only read: use GET.")),
        413: (_("Content too large"), _("What stands here is only read: send no content.")),
        422: (_("Unprocessable content"), _("Some parameters cannot be taken as they are: “errors” names each.")),
        429: (_("Too many requests"), _("Your network has asked very often. The header Retry-After says after how many seconds to go on.")),
        500: (_("Internal server error"), _("Nothing you did caused it. It is recorded and we look into it.")),
        503: (_("Service unavailable"), _("The records do not answer just now. Nothing was lost: try again in a few seconds.")),
    }  # fmt: skip
    return known.get(status, known[400] if status < 500 else known[500])
