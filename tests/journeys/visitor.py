"""Somebody at the site over plain HTTP: cookies, pages and the forms that stand on them."""

from __future__ import annotations

import http.cookiejar
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

REDIRECTS = (301, 302, 303, 307, 308)
Pairs = list[tuple[str, str]]


@dataclass
class Form:
    """One form as it stands: where it goes, and what it would send untouched."""

    action: str
    method: str
    fields: Pairs = field(default_factory=list)
    choices: Pairs = field(default_factory=list)  # Radios and ticks that could be set.
    buttons: list[tuple[str, str, str]] = field(default_factory=list)  # name, value, words


@dataclass
class Page:
    """An answer, with its links and forms read."""

    status: int
    url: str
    text: str
    headers: Any
    links: list[tuple[str, str]] = field(default_factory=list)  # href, words
    forms: list[Form] = field(default_factory=list)
    words: str = ""

    @property
    def path(self) -> str:
        return urllib.parse.urlsplit(self.url).path

    def link(self, part: str) -> str:
        """The address of the first link whose address or words hold this."""
        found = [href for href, words in self.links if part in href or part in words]
        assert found, f"{self.url}: no link with {part!r} among {self.links}"
        return found[0]

    def form(self, part: str) -> Form:
        """The first form that goes to an address holding this, or has a button saying it."""
        for one in self.forms:
            if part in one.action or any(part in words for _n, _v, words in one.buttons):
                return one
        raise AssertionError(f"{self.url} ({self.status}): no form for {part!r} in {self.words[:1500]}")


class Visitor:
    """A browser's cookies and manners: follows redirects, sends Origin and the form's own fields."""

    def __init__(self, site: str, language: str = "en") -> None:
        self.site, self.language = site, language
        self.jar = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(
            urllib.request.HTTPCookieProcessor(self.jar), _Stay(), urllib.request.ProxyHandler({})
        )

    def get(self, path: str, *, follow: bool = True) -> Page:
        """A page by its path or address."""
        return self._ask(self._address(path), None, follow)

    def post(self, path: str, data: dict[str, Any] | Pairs, *, follow: bool = True) -> Page:
        """Post exactly these fields."""
        pairs = data if isinstance(data, list) else list(data.items())
        return self._ask(self._address(path), urllib.parse.urlencode(pairs).encode(), follow)

    def send(
        self, page: Page, part: str, *, follow: bool = True, press: str | None = None, **values: Any
    ) -> Page:
        """Fill in the form found by `part` and press its button (the one of value `press`)."""
        form = page.form(part)
        pairs = [(name, value) for name, value in form.fields if name not in values]
        for name, value in values.items():
            pairs += [(name, one) for one in value] if isinstance(value, list) else [(name, str(value))]
        if press is not None:
            pairs += [
                (name, value) for name, value, words in form.buttons if press == value or press in words
            ][:1]
        address = urllib.parse.urljoin(page.url, form.action)
        if form.method == "get":
            return self.get(f"{address.partition('?')[0]}?{urllib.parse.urlencode(pairs)}", follow=follow)
        return self.post(address, pairs, follow=follow)

    def be(self, name: str) -> Page:
        """Log in as a person of the demo, by the button that bears their name."""
        return self.send(self.get("/dev/login"), name, press=name)

    def keep(self, name: str, value: str) -> None:
        """A cookie that is there already."""
        host = urllib.parse.urlsplit(self.site).hostname or ""
        self.jar.set_cookie(
            http.cookiejar.Cookie(
                0, name, value, None, False, f"{host}.local", False, False, "/", True, False, None, False,
                None, None, {},
            )
        )  # fmt: skip

    def home(self, path: str) -> Page:
        """A page below this visitor's language."""
        return self.get(f"/{self.language}{path}")

    def _address(self, path: str) -> str:
        return path if path.startswith("http") else self.site + path

    def _ask(self, url: str, body: bytes | None, follow: bool) -> Page:
        for _ in range(10):
            headers = {"Accept-Language": self.language, "User-Agent": "a visitor"}
            if body is not None:
                headers["Origin"] = self.site
            request = urllib.request.Request(url, data=body, headers=headers)
            try:
                answer = self._opener.open(request, timeout=60)
            except urllib.error.HTTPError as error:
                answer = error
            with answer:
                text = answer.read().decode("utf-8", "replace")
                status, got = answer.status or 0, answer.headers
            if not (follow and status in REDIRECTS):
                return _read(Page(status, url, text, got))
            url, body = urllib.parse.urljoin(url, got["Location"]), None
        raise AssertionError(f"redirected without end at {url}")


class _Stay(urllib.request.HTTPRedirectHandler):
    """Redirects are walked one by one, so that each can be looked at."""

    def redirect_request(self, *args: Any) -> None:
        return None


def _read(page: Page) -> Page:
    if "text/html" in (page.headers.get("Content-Type") or ""):
        reader = _Reader(page)
        reader.feed(page.text)
        reader.close()
        page.words = " ".join(" ".join(reader.said).split())
    return page


class _Reader(HTMLParser):
    """Collects links, forms and words."""

    def __init__(self, page: Page) -> None:
        super().__init__(convert_charrefs=True)
        self.page = page
        self.said: list[str] = []
        self._form: Form | None = None
        self._link: tuple[str, list[str]] | None = None
        self._button: tuple[str, str, list[str]] | None = None
        self._area: tuple[str, list[str]] | None = None
        self._select: tuple[str, Pairs] | None = None

    def handle_starttag(self, tag: str, attrs: Iterable[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        name = given.get("name", "")
        if tag == "a" and "href" in given:
            self._link = (given["href"], [])
        elif tag == "form":
            self._form = Form(given.get("action", ""), given.get("method", "get").lower())
            self.page.forms.append(self._form)
        elif self._form is None or "disabled" in given:
            return
        elif tag == "input" and given.get("type") in ("radio", "checkbox"):
            pair = (name, given.get("value", "on"))
            self._form.choices.append(pair)
            if "checked" in given:
                self._form.fields.append(pair)
        elif tag == "input" and name:
            self._form.fields.append((name, given.get("value", "")))
        elif tag == "textarea":
            self._area = (name, [])
        elif tag == "select":
            self._select = (name, [])
        elif tag == "option" and self._select is not None:
            self._select[1].append((given.get("value", ""), "selected" if "selected" in given else ""))
        elif tag == "button" and given.get("type", "submit") == "submit":
            self._button = (name, given.get("value", ""), [])

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._link is not None:
            self.page.links.append((self._link[0], " ".join("".join(self._link[1]).split())))
            self._link = None
        elif tag == "form":
            self._form = None
        elif tag == "textarea" and self._area is not None and self._form is not None:
            self._form.fields.append((self._area[0], "".join(self._area[1])))
            self._area = None
        elif tag == "select" and self._select is not None and self._form is not None:
            name, options = self._select
            chosen = next((value for value, on in options if on), options[0][0] if options else "")
            self._form.fields.append((name, chosen))
            self._select = None
        elif tag == "button" and self._button is not None and self._form is not None:
            name, value, words = self._button
            self._form.buttons.append((name, value, " ".join("".join(words).split())))
            self._button = None

    def handle_data(self, data: str) -> None:
        self.said.append(data)
        if self._link is not None:
            self._link[1].append(data)
        if self._button is not None:
            self._button[2].append(data)
        if self._area is not None:
            self._area[1].append(data)
