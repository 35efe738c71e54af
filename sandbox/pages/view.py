"""What every page needs: the books, its template, its language, how amounts and times are written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Request, Response

from ..clockwork import let_all_time_act
from ..deliveries import Deliveries
from ..store import Books, Store

HERE = Path(__file__).parents[1]
LANGUAGES = ("fr", "en")


class View:
    """The provider as its pages see it."""

    def __init__(self, store: Store, deliveries: Deliveries) -> None:
        self._store, self._deliveries = store, deliveries
        self._templates = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=True)

    @contextmanager
    def books(self) -> Iterator[Books]:
        """The books, after time has done what is due."""
        with self._store.transaction() as books:
            let_all_time_act(books)
            yield books

    def told(self) -> None:
        """Wait a moment for the platform to hear of it, as Checkout does before it leads back."""
        self._deliveries.soon()

    def page(self, name: str, request: Request, *, fr: bool | None = None, **values: Any) -> Response:
        """A page. `fr`: in the language of what it shows, else of who looks."""
        french = speaks_french(request) if fr is None else fr
        html = self._templates.get_template(name).render(
            base=request.script_root, fr=french, here=request.path, amount=lambda minor: amount(minor, french),
            when=lambda unix: when(unix, french), **values,
        )  # fmt: skip
        return Response(html, mimetype="text/html")


def speaks_french(request: Request) -> bool:
    """Chosen here, chosen on the site, or the browser's own."""
    for name in ("sandbox_language", "language", "lang"):
        if request.cookies.get(name) in LANGUAGES:
            return request.cookies[name] == "fr"
    return request.accept_languages.best_match(LANGUAGES, "en") == "fr"


def amount(minor: int, french: bool) -> str:
    """An amount in euros, as it is written in that language."""
    sign, minor = ("\u2212" if minor < 0 else ""), abs(int(minor))
    whole = f"{minor // 100:,}"
    if french:
        grouped = whole.replace(",", "\u202f")
        return f"{sign}{grouped},{minor % 100:02d}\u00a0\u20ac"
    return f"{sign}\u20ac{whole}.{minor % 100:02d}"


def when(unix: int | None, french: bool) -> str:
    """A time in UTC, to the minute."""
    if unix is None:
        return "\u2013"
    at = datetime.fromtimestamp(unix, UTC)
    return at.strftime("%d/%m/%Y %H:%M UTC" if french else "%d %b %Y, %H:%M UTC")


def must(books: Books, kind: str, object_id: str) -> dict[str, Any]:
    """That object, or no such page."""
    found = books.get(kind, object_id)
    if found is None:
        raise NotFound
    return found
