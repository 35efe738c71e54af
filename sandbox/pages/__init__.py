"""The provider's clickable pages, at /sandbox of the site: pay, authenticate, sign up. No money moves."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

from jinja2 import Environment, FileSystemLoader
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import Map, Rule
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from . import accounts, checkout
from .clockwork import let_all_time_act
from .deliveries import Deliveries
from .store import Books, Store

HERE = Path(__file__).parent
CSP = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; img-src 'self'"
URLS = Map(
    [
        Rule("/checkout/<id>", endpoint="checkout"),
        Rule("/checkout/<id>/authenticate", endpoint="authenticate"),
        Rule("/onboarding/<id>", endpoint="onboarding"),
        Rule("/static/pages.css", endpoint="css"),
    ]
)


class Pages:
    """A WSGI application; the unguessable id in the path is what lets one in."""

    def __init__(self, store: Store, deliveries: Deliveries) -> None:
        self._store, self._deliveries = store, deliveries
        self._templates = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=True)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        request = Request(environ)
        request.max_content_length = 64 * 1024
        try:
            endpoint, values = URLS.bind_to_environ(environ).match()
            if request.method not in ("GET", "HEAD", "POST"):
                raise MethodNotAllowed(["GET", "HEAD", "POST"])
            if not re.fullmatch(r"\w{1,80}", values.get("id", "x"), re.ASCII):
                raise NotFound
            response = getattr(self, f"_{endpoint}")(request, **values)
        except HTTPException as error:
            response = error.get_response(environ)
        response.headers.setdefault("Content-Security-Policy", CSP)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["Cache-Control"] = "no-store"
        return cast("Iterable[bytes]", response(environ, start_response))

    def _css(self, request: Request) -> Response:
        return Response((HERE / "static" / "pages.css").read_bytes(), mimetype="text/css")

    def _page(self, name: str, request: Request, **values: Any) -> Response:
        html = self._templates.get_template(name).render(base=request.script_root, **values)
        return Response(html, mimetype="text/html")

    def _checkout(self, request: Request, id: str) -> Response:
        with self._store.transaction() as books:
            let_all_time_act(books)
            session = _session(books, id)
            if request.method != "POST":
                return self._page("checkout.html", request, session=session, fr=session["locale"] == "fr")
            action = request.form.get("action", "")
            if session["status"] != "open":
                return redirect(
                    session["success_url"] if session["status"] == "complete" else session["cancel_url"], 303
                )
            if action == "abandon":
                return redirect(session["cancel_url"], 303)
            if action == "authenticate":
                return redirect(f"{request.script_root}/checkout/{id}/authenticate", 303)
            if action not in ("succeed", "decline", "fail_later"):
                raise NotFound
            checkout.pay(books, session, action)
        return self._after(session, action, request, id)

    def _after(self, session: dict[str, Any], action: str, request: Request, id: str) -> Response:
        self._deliveries.soon()
        if action == "decline":
            return redirect(f"{request.script_root}/checkout/{id}", 303)
        return redirect(session["success_url"], 303)

    def _authenticate(self, request: Request, id: str) -> Response:
        with self._store.transaction() as books:
            let_all_time_act(books)
            session = _session(books, id)
            if request.method != "POST":
                return self._page("authenticate.html", request, session=session, fr=session["locale"] == "fr")
            if session["status"] != "open":
                return redirect(session["success_url"], 303)
            if request.form.get("action") not in ("approve", "fail"):
                raise NotFound
            approved = request.form["action"] == "approve"
            checkout.pay(books, session, "succeed" if approved else "decline")
        return self._after(session, "succeed" if approved else "decline", request, id)

    def _onboarding(self, request: Request, id: str) -> Response:
        with self._store.transaction() as books:
            link = books.get("account_link", id)
            account = books.get("v2.core.account", link["account"]) if link else None
            if link is None or account is None:
                raise NotFound
            if link.get("_used") or link.get("_until", books.unix + 1) <= books.unix:
                # For one use, within minutes: its owner is sent for another, as Stripe does.
                return redirect(link["_refresh_url"], 303)
            if request.method != "POST":
                fr = request.accept_languages.best_match(["fr", "en"], "en") == "fr"
                return self._page("onboarding.html", request, account=account, fr=fr)
            action = request.form.get("action", "")
            if action not in accounts.ACTIONS:
                raise NotFound
            books.put("account_link", link | {"_used": True})
            accounts.becomes(books, account, action)
        self._deliveries.soon()
        return redirect(link["_return_url"], 303)


def _session(books: Books, session_id: str) -> dict[str, Any]:
    session = books.get("checkout.session", session_id)
    if session is None:
        raise NotFound
    return session
