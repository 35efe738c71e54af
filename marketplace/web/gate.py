"""The gate: who asks, whether the request comes from our own pages, and what every page is told.

The log-in cookie holds a random token, the records its hash (services/people). Flask's own cookie
session holds nothing but the anti-forgery token and flash messages, and is emptied at log-in and
log-out; it is touched in this file alone.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Flask, current_app, g, make_response, request, session, url_for
from flask_login import LoginManager
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from ..domain.policy import ANONYMOUS, Actor
from ..services import people
from ..services.bookings.approving import count_to_approve
from .house import house, real_now
from .language import ZONE_COOKIE, current_language, is_zone, lasting_addresses, other_language_url

THEME_COOKIE = "theme"
THEMES = ("system", "light", "dark")
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
YEAR = 365 * 24 * 3600

csrf = CSRFProtect()
login_manager = LoginManager()
View = TypeVar("View", bound=Callable[..., Any])


class ForeignRequest(CSRFError):
    """The browser says that another site sent this."""


def start(app: Flask) -> None:
    """Wire cookies, CSRF, Flask-Login, who asks, and the words every template is given."""
    secure = app.extensions["declic"].config.secure
    app.config.update(
        SESSION_COOKIE_NAME="__Host-declic-form" if secure else "declic-form",
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
        # A form stays good as long as the session does: nobody loses a text to a clock.
        WTF_CSRF_TIME_LIMIT=None,
        # Checked below, before anything else, so that nobody can forget it.
        WTF_CSRF_CHECK_DEFAULT=False,
    )
    csrf.init_app(app)
    login_manager.init_app(app)
    login_manager.session_protection = None  # Our rows decide; nothing of it stands in the cookie session.
    login_manager.request_loader(_load)
    app.before_request(_keep_out_foreign)
    app.before_request(_learn_who)
    app.context_processor(_told)


def signed(view: View) -> View:
    """A view whose requests carry their own signature (webhooks): no form of ours sends them."""
    view.signed = True  # type: ignore[attr-defined]
    return view


def cookie_name() -> str:
    """`__Host-` binds the cookie to this host over https; plain http (local demo) cannot have it."""
    return "__Host-declic" if house().config.secure else "declic"


def let_in(login: people.SignedIn, show: Callable[[], Any]) -> Response:
    """Give the browser its log-in, then what `show` makes of it.

    Whatever the browser held before (a planted token, an older form's) is worth nothing from here on.
    """
    session.clear()
    g.pop("csrf_token", None)
    return keep_in(login, show)


def keep_in(login: people.SignedIn, show: Callable[[], Any]) -> Response:
    """The same log-in under a new token, after a proof: forms open in other windows stay good."""
    _be(login.token)
    answer = make_response(show())
    answer.set_cookie(
        cookie_name(), login.token, max_age=login.lives, path="/", httponly=True, samesite="Lax",
        secure=house().config.secure,
    )  # fmt: skip
    return answer


def let_out(answer: Response) -> Response:
    """End the log-in of this browser, and have it forget what it kept of our pages."""
    people.log_out(house().db, request.cookies.get(cookie_name(), ""), real_now())
    session.clear()
    answer.delete_cookie(cookie_name(), path="/", httponly=True, samesite="Lax", secure=house().config.secure)
    answer.headers["Clear-Site-Data"] = '"cache", "storage"'
    return answer


def keep_cookie(answer: Response, name: str, value: str) -> Response:
    """A preference for a year; no script needs it."""
    answer.set_cookie(
        name, value, max_age=YEAR, path="/", httponly=True, samesite="Lax", secure=house().config.secure
    )
    return answer


def safe_next(text: str | None) -> str | None:
    """A path on this site to go to afterwards, or None.

    Parsed again after every rule: browsers read `\\` as `/`, drop tabs and newlines, and take `//x`
    for another host.
    """
    if not text or len(text) > 2000 or not text.startswith("/"):
        return None
    if any(unicodedata.category(c)[0] == "C" for c in text) or "\\" in text or text.startswith("//"):
        return None
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    if parts.scheme or parts.netloc or not parts.path.startswith("/") or parts.path.startswith("//"):
        return None
    return text


def where_from() -> str | None:
    """The page of ours that sent this, or None."""
    if not request.referrer:
        return None
    try:
        parts = urlsplit(request.referrer)
    except ValueError:
        return None
    if parts.netloc != request.host:
        return None
    return safe_next(parts.path + (f"?{parts.query}" if parts.query else ""))


def here() -> str:
    """The address of what is shown, for coming back to: where only a POST is answered, the page before."""
    rule = request.url_rule
    if request.method in ("GET", "HEAD") or (rule is not None and "GET" in (rule.methods or ())):
        return request.full_path if request.query_string else request.path
    before = where_from()
    try:
        if before is not None:
            adapter = current_app.create_url_adapter(request)
            if adapter is not None and adapter.test(urlsplit(before).path, method="GET"):
                return before
    except (ValueError, HTTPException):
        pass
    return url_for("public.home")


def is_from_us() -> bool:
    """Whether the browser itself says that one of our own pages sent this."""
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if site is not None:
        return site == "same-origin"
    return origin is not None and _same_host(origin)


def _keep_out_foreign() -> None:
    if request.method not in UNSAFE or request.endpoint is None:
        return
    view = current_app.view_functions.get(request.endpoint)
    if getattr(view, "signed", False):
        return
    origin = request.headers.get("Origin")
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise ForeignRequest
    if origin is not None and not _same_host(origin):
        raise ForeignRequest
    csrf.protect()


def _same_host(origin: str) -> bool:
    try:
        host = urlsplit(origin).netloc
    except ValueError:
        return False
    return bool(host) and host in (request.host, urlsplit(house().config.site_url).netloc)


def _learn_who() -> None:
    """Read the person anew for each request: a role taken away is gone at the next one. Programs are nobody."""
    g.me, g.log_in, g.actor, g.roles, g.due = None, None, ANONYMOUS, frozenset(), None
    token = request.cookies.get(cookie_name(), "")
    if not token or request.endpoint in (None, "static") or request.blueprint == "api" or len(token) > 200:
        return
    _be(token)
    if g.log_in is not None:
        people.seen(house().db, g.log_in, real_now())


def _be(token: str) -> None:
    with house().db.reading() as reading:
        found = people.who(reading, token, real_now())
        if found is None:
            return
        person, g.log_in, g.due = found.person, found.login, found.due
        g.actor = found.actor if g.due is None else ANONYMOUS
    if g.due is not None:
        # Nobody yet, but for the pages that lead on from here: there they are themselves, and nothing else.
        view = current_app.view_functions.get(request.endpoint or "")
        if g.due not in getattr(view, "open_while", ()):
            return
        g.actor = Actor(person.id)
    g.me = person
    g.roles = people.roles_of(g.actor)


class _SignedInPerson:
    """What Flask-Login calls the current user."""

    is_authenticated = True
    is_active = True
    is_anonymous = False

    def __init__(self, person_id: str) -> None:
        self._id = person_id

    def get_id(self) -> str:
        return self._id


def _load(_request: Any) -> _SignedInPerson | None:
    me = g.get("me")
    return _SignedInPerson(str(me.id)) if me is not None else None


def current_theme() -> str:
    """system, light or dark."""
    kept = request.cookies.get(THEME_COOKIE, "system")
    return kept if kept in THEMES else "system"


def _told() -> dict[str, Any]:
    """The words base.html and every page may count on (templates/base.html lists them)."""
    me = g.get("me")
    config = house().config
    return {
        "lang": current_language(),
        "other_lang_url": other_language_url(),
        "addresses": lasting_addresses(config.site_url),
        "here": here(),
        "me": me,
        "my_roles": g.get("roles", frozenset()),
        # A log-in that still owes a proof: the frame leads on to it, and out.
        "proof_due": g.get("due"),
        "to_approve": _to_approve,
        "theme": current_theme(),
        "demo_mode": config.demo,
        "sandbox_mode": config.sandbox,
        # When the database is away so is the clock's offset: better no time than a wrong one.
        "platform_now": None if g.get("away") or not config.demo else house().clock(),
        "ask_zone": me is None and not is_zone(request.cookies.get(ZONE_COOKIE, "")),
    }


def _to_approve() -> int:
    """How much waits for the approval of whoever reads; asked by the frame for approvers alone."""
    if g.get("away"):
        return 0
    with house().db.reading() as session:
        return count_to_approve(session, g.actor, house().clock())
