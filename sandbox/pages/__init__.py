"""The provider's clickable pages, at /sandbox of the site. No money moves.

The pages of one payment or one account let in whoever knows their unguessable address. The desk, where
one plays provider, needs no log-in either and stands open in demo mode only. No page changes anything
but by a form of its own: what another site sends is turned away.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from werkzeug.exceptions import Forbidden, HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import Map, Rule
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from ..deliveries import Deliveries
from ..store import Store
from . import acts, desk, paying
from .view import HERE, LANGUAGES, View

CSP = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; img-src 'self'"
HANDLERS: dict[str, Callable[..., Response]] = {
    "/checkout/<id>": paying.checkout_page,
    "/checkout/<id>/authenticate": paying.authenticate,
    "/onboarding/<id>": paying.onboarding,
    "/transfer/<id>": paying.bank_transfer,
    "/express/<id>": paying.express,
}
# Only where everybody may play provider.
DESK: dict[str, Callable[..., Response]] = {
    "/": desk.front,
    "/list/<kind>": desk.listing,
    "/payment/<id>": desk.payment,
    "/account/<id>": desk.account,
    "/customer/<id>": desk.customer,
    "/balance": desk.money,
    "/dial": desk.dial,
}


class Pages:
    """A WSGI application. `everyone`: the desk stands open."""

    def __init__(self, store: Store, deliveries: Deliveries, public_base: str, *, everyone: bool) -> None:
        self._view = View(store, deliveries)
        self._origin = _origin(public_base)
        handlers = {**HANDLERS, **(DESK if everyone else {})}
        self._urls = Map(
            [
                *(Rule(path, endpoint=handler) for path, handler in handlers.items()),
                Rule("/static/pages.css", endpoint=_css),
            ]
        )

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        request.max_content_length = 64 * 1024
        try:
            response = self._answer(request)
        except HTTPException as error:
            response = error.get_response(environ)
        response.headers.setdefault("Content-Security-Policy", CSP)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["Cache-Control"] = "no-store"
        return response(environ, start_response)

    def _answer(self, request: Request) -> Response:
        handler, values = self._urls.bind_to_environ(request.environ).match()
        if request.method not in ("GET", "HEAD", "POST"):
            raise MethodNotAllowed(["GET", "HEAD", "POST"])
        if not all(re.fullmatch(r"\w{1,80}", value, re.ASCII) for value in values.values()):
            raise NotFound
        if request.method == "POST":
            self._from_here(request)
        chosen = request.args.get("lang")
        if request.method == "GET" and chosen in LANGUAGES:
            return _in_language(request, chosen)
        answer: Response = handler(self._view, request, **values)
        return answer

    def _from_here(self, request: Request) -> None:
        """A form of these pages: browsers say where a form comes from, and that is not to be another site."""
        if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
            raise Forbidden
        said = request.headers.get("Origin")
        if said is not None and said not in (self._origin, _origin(request.host_url)):
            raise Forbidden


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _in_language(request: Request, chosen: str) -> Response:
    back = redirect(f"{request.script_root}{request.path}", 303)
    back.set_cookie(
        "sandbox_language", chosen, path=request.script_root or "/", httponly=True, samesite="Lax"
    )
    return back


def _css(view: View, request: Request) -> Response:
    return Response((HERE / "static" / "pages.css").read_bytes(), mimetype="text/css")


__all__ = ["Pages", "acts"]
