"""The language lives in the path, so that a page's address says all: `/fr/…`, `/en/…`.

Views never see it: the preprocessor takes `lang` off the path's values, `url_for` puts it back.
Addresses without one (webhooks, the demo's own pages) take the person's, the cookie's or the
browser's language.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo, available_timezones

from flask import Flask, current_app, g, has_request_context, redirect, request, url_for
from flask_babel import Babel
from werkzeug.wrappers import Response

LANGUAGES = ("fr", "en")
DEFAULT = "fr"
PREFIX = "/<any(fr, en):lang>"
ZONE_COOKIE = "zone"
LANGUAGE_COOKIE = "language"
DEFAULT_ZONE = "Europe/Paris"
TRANSLATIONS = Path(__file__).resolve().parents[2] / "translations"

# Pages everybody may open, but nobody should find by a search engine.
UNLISTED = (
    "public.shortlist", "public.shared", "public.compare", "public.saved_searches", "public.reminders",
    "public.unsubscribe",
)  # fmt: skip
_ZONES = available_timezones()


def start(app: Flask) -> None:
    """Wire language and time zone into the application; the entry page `/` picks a language."""
    app.config.setdefault("BABEL_TRANSLATION_DIRECTORIES", str(TRANSLATIONS))
    Babel(app, default_locale=DEFAULT, locale_selector=current_language, timezone_selector=current_zone)
    app.url_value_preprocessor(_take_language)
    app.url_defaults(_give_language)
    app.add_url_rule("/", "entry", entry, methods=["GET"])


def entry() -> Response:
    """`/` leads to the home page in the guest's language; the answer differs by guest, so it is temporary."""
    answer = redirect(url_for("public.home", lang=guest_language()), 302)
    answer.vary.add("Accept-Language")
    answer.vary.add("Cookie")
    return answer


entry.rule = "public"  # type: ignore[attr-defined]


def current_language() -> str:
    """The language of this request: the path's, else the guest's."""
    if not has_request_context():
        return DEFAULT
    if "lang" not in g:
        first = request.path.split("/", 2)[1]  # A 404 below /en/ is still English.
        g.lang = first if first in LANGUAGES else guest_language()
    return str(g.lang)


def guest_language() -> str:
    """Where no path says it: the person's choice, the cookie's, the browser's, French.

    Of a program what it asks for, else French: the same address, the same answer.
    """
    if request.path.startswith("/api/"):
        asked = request.args.get("lang", DEFAULT)
        return asked if asked in LANGUAGES else DEFAULT
    me = g.get("me")
    if me is not None:
        return str(me.language)
    kept = request.cookies.get(LANGUAGE_COOKIE)
    if kept in LANGUAGES:
        return kept
    return request.accept_languages.best_match(LANGUAGES) or DEFAULT


def current_zone_name(fallback: str = DEFAULT_ZONE) -> str:
    """The IANA zone times are shown in: the person's, else the cookie's, else the page's own."""
    me = g.get("me") if has_request_context() else None
    if me is not None and me.zone in _ZONES:
        return str(me.zone)
    kept = request.cookies.get(ZONE_COOKIE, "") if has_request_context() else ""
    return kept if is_zone(kept) else fallback


def current_zone(fallback: str = DEFAULT_ZONE) -> ZoneInfo:
    """The same, as the zone itself."""
    return ZoneInfo(current_zone_name(fallback))


def is_zone(name: str) -> bool:
    """A zone people live in; `Etc/GMT+5` and the like have no place name to show."""
    return name in _ZONES and "/" in name and not name.startswith(("Etc/", "SystemV/", "posix", "right"))


@cache
def zones() -> tuple[str, ...]:
    """The zones one can choose, sorted: those the tz database names for a country, not their former names."""
    lines = (files("tzdata") / "zoneinfo" / "zone.tab").read_text("utf-8").splitlines()
    named = {line.split("\t")[2] for line in lines if line and not line.startswith("#")}
    return tuple(sorted(name for name in named if is_zone(name)))


def other_language_url() -> str:
    """This page's address in the other language; the other home page where there is none."""
    other = "en" if current_language() == "fr" else "fr"
    if (
        request.url_rule is not None
        and "lang" in request.url_rule.arguments
        and request.method in ("GET", "HEAD")
    ):
        query = urlencode(list(request.args.items(multi=True)))
        page = url_for(str(request.endpoint), **{**(request.view_args or {}), "lang": other})
        return f"{page}?{query}" if query else page
    return f"/{other}/"


def lasting_addresses(site: str) -> dict[str, str]:
    """A public page's own address in each language, without its query: what search engines should keep.

    Empty for pages nobody should find there: people's own, refusals, results of somebody's words.
    """
    place, answered = request.url_rule, str(request.endpoint)
    if (
        place is None
        or "lang" not in place.arguments
        or not answered.startswith("public.")
        or answered in UNLISTED
    ):
        return {}
    if request.args.get("q") or request.args.get("after") or request.args.get("before"):
        return {}
    values = request.view_args or {}
    return {lang: site + url_for(answered, **{**values, "lang": lang}) for lang in LANGUAGES}


def _take_language(endpoint: str | None, values: dict[str, Any] | None) -> None:
    if values and "lang" in values:
        g.lang = values.pop("lang")


def _give_language(endpoint: str, values: dict[str, Any]) -> None:
    if "lang" in values:
        return
    if current_app.url_map.is_endpoint_expecting(endpoint, "lang"):
        values["lang"] = current_language()
