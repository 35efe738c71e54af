"""A wire between the adapter and the sandbox that keeps what went over it, and can leave out expansion."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode


@dataclass(frozen=True)
class Request:
    """What was asked: `given` are the parameters as the provider reads them, text for text."""

    method: str
    path: str
    headers: dict[str, str]
    given: dict[str, Any]


class Recorder:
    """A WSGI middleware. `expanding=False`: a provider that expands nothing it is asked to."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.requests: list[Request] = []
        self.expanding = True

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        as_json = environ["PATH_INFO"].startswith("/v2/") and environ["REQUEST_METHOD"] == "POST"
        pairs = _pairs(body.decode() if environ["REQUEST_METHOD"] == "POST" else environ["QUERY_STRING"])
        self.requests.append(
            Request(
                environ["REQUEST_METHOD"],
                environ["PATH_INFO"],
                {
                    name[5:].replace("_", "-").lower(): text
                    for name, text in environ.items()
                    if name[:5] == "HTTP_"
                },
                json.loads(body) if as_json else nested(pairs),
            )
        )
        if not self.expanding and not as_json:
            kept = urlencode([(name, text) for name, text in pairs if not name.startswith("expand")])
            if environ["REQUEST_METHOD"] == "POST":
                body = kept.encode()
                environ["CONTENT_LENGTH"] = str(len(body))
            else:
                environ["QUERY_STRING"] = kept
        environ["wsgi.input"] = io.BytesIO(body)
        answer: Iterable[bytes] = self._app(environ, start_response)
        return answer


def _pairs(text: str) -> list[tuple[str, str]]:
    return parse_qsl(text, keep_blank_values=True)


def nested(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """`a[b][0]=c` as fields in fields; rows of a list stand under their numbers."""
    found: dict[str, Any] = {}
    for name, text in pairs:
        *steps, last = re.findall(r"[^\[\]]+", name)
        place = found
        for step in steps:
            place = place.setdefault(step, {})
        assert last not in place, f"{name} is given twice"
        place[last] = text
    return found
