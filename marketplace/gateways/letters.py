"""Letters as they are written and enveloped: jinja2, babel and css-inline, without Flask.

A letter is a folder templates/email/<event>/ of `subject.txt`, `body.txt`, `body.html`, which set what
`_words/<event>.j2` says once. The text part is complete by itself. A
variable a template names and nobody gives is an error, never an empty place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol

import css_inline
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from . import wording
from .invitations import Method

_WORDS = (
    "money", "money_round", "number", "percent", "day_long", "day", "clock_time", "moment",
    "hours", "span", "zone_name", "duration",
)  # fmt: skip
_FIRST_OF_MONTH = re.compile(r"\b1er\b")
# Line ends and other controls. Not \s: French no-break spaces stay.
_CONTROL = re.compile("[\x00-\x20\x7f-\x9f\u2028\u2029]+")


class Links(Protocol):
    """Absolute addresses of our pages, filled in `create_app` by the floor that knows them."""

    def home(self, lang: str) -> str: ...
    def booking(self, reference: str, lang: str) -> str: ...
    def dispute(self, reference: str, lang: str, side: str) -> str: ...
    def expert_booking(self, reference: str, lang: str) -> str: ...
    def verify(self, token: str, lang: str) -> str: ...
    def reset(self, token: str, lang: str) -> str: ...
    def new_address(self, token: str, lang: str) -> str: ...
    def keep_address(self, token: str, lang: str) -> str: ...
    def log_in(self, lang: str) -> str: ...
    def review(self, reference: str, lang: str, side: str) -> str: ...
    def money(self, lang: str) -> str: ...
    def rescue(self, reference: str, lang: str) -> str: ...
    def check(self, reference: str, lang: str) -> str: ...
    def approval(self, reference: str, lang: str) -> str: ...
    def approver_invitation(self, token: str, lang: str) -> str: ...
    def offer(self, slug: str, lang: str) -> str: ...
    def own_offer(self, offer_id: str, lang: str) -> str: ...
    def application(self, lang: str) -> str: ...
    def busy_calendars(self, lang: str) -> str: ...
    def payout_account(self, lang: str) -> str: ...
    def profile(self, lang: str) -> str: ...
    def reviews_policy(self, lang: str) -> str: ...
    def terms(self, lang: str) -> str: ...
    def enquiry(self, enquiry_id: str, lang: str, side: str) -> str: ...
    def unsubscribe(self, token: str, lang: str) -> str: ...
    def saved_search(self, search_id: str, lang: str) -> str: ...
    def reminders(self, token: str, kind: str, lang: str) -> str: ...
    def places(self, lang: str) -> str: ...
    def slots(self, slug: str, lang: str) -> str: ...
    def asked_times(self, times_id: str, lang: str) -> str: ...
    def ledger(self, lang: str) -> str: ...
    def chargeback(self, chargeback_id: str, lang: str) -> str: ...
    def question(self, question_id: str, lang: str, side: str) -> str: ...


@dataclass(frozen=True)
class Written:
    """A letter's three texts, in one language."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True)
class Attached:
    """An invitation, or one taken back, that goes with a letter."""

    method: Method
    content: bytes
    filename: str


class LetterPress:
    """Sets letters in both languages. Made once; setting a letter touches nothing outside memory."""

    def __init__(self, *, templates: Path, translations: Path, site_name: str, sandbox: bool) -> None:
        common = {"site_name": site_name, "sandbox": sandbox, "wordmark": _wordmark(site_name)}
        self._sets = {
            (language, html): _environment(templates, translations, language, html, common)
            for language in wording.LANGUAGES
            for html in (False, True)
        }
        # What a mail reader must see in place is put in place; rules by medium stay in their element.
        self._inliner = css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)

    def render(self, event: str, language: str, facts: Mapping[str, Any]) -> Written:
        """The letter `event` in "fr" or "en". Raises where the facts lack something it names."""
        subject = self.line(f"email/{event}/subject.txt", language, facts)
        text = self._body(f"email/{event}/body.txt", language, facts, html=False)
        html = self._body(f"email/{event}/body.html", language, {**facts, "subject": subject}, html=True)
        return Written(subject=subject, text=_tidy(text), html=self._inliner.inline(html))

    def line(self, template: str, language: str, facts: Mapping[str, Any]) -> str:
        """One line from a text template: no line end or control character in it, whatever the facts hold."""
        raw = self._sets[language, False].get_template(template).render(facts, lang=language)
        return _CONTROL.sub(" ", raw).strip()

    def plain(self, template: str, language: str, facts: Mapping[str, Any]) -> str:
        """A text template as it is, tidied."""
        return _tidy(self._sets[language, False].get_template(template).render(facts, lang=language))

    def _body(self, template: str, language: str, facts: Mapping[str, Any], *, html: bool) -> str:
        environment = self._sets[language, html]
        context = {**facts, "lang": language}
        parts = environment.get_template("email/parts.html" if html else "email/parts.txt")
        context["part"] = parts.make_module(context)
        return environment.get_template(template).render(context)


def compose(
    written: Written,
    *,
    sender_name: str,
    sender_email: str,
    recipient_name: str,
    recipient_email: str,
    message_id: str,
    made_at: datetime,
    answers_to: str = "",
    attached: Attached | None = None,
    unsubscribe: str | None = None,
) -> bytes:
    """The MIME message: text, HTML and, for an invitation, a calendar part and the same as a file.

    Raises ValueError where an address cannot stand in a header; names lose their control characters.
    """
    ascii_only = (recipient_email + sender_email + answers_to).isascii()
    message = EmailMessage(policy=policy.SMTP if ascii_only else policy.SMTPUTF8)
    message["Message-ID"] = f"<{message_id}>"
    message["Date"] = made_at
    message["From"] = _address(sender_name, sender_email)
    message["To"] = _address(recipient_name, recipient_email)
    if answers_to:
        message["Reply-To"] = _address(sender_name, answers_to)
    # RFC 3834: nobody's out-of-office answers a letter that no one wrote by hand.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(written.text)
    message.add_alternative(written.html, subtype="html")
    if attached is not None:
        message.add_alternative(
            attached.content,
            maintype="text",
            subtype="calendar",
            cte="base64",
            params={"method": attached.method, "charset": "utf-8"},
        )
        message.add_attachment(
            attached.content, maintype="application", subtype="ics", filename=attached.filename
        )
    return _subject(written.subject) + _unsubscribe(unsubscribe) + message.as_bytes()


def _unsubscribe(address: str | None) -> bytes:
    """RFC 8058: a mail reader's own button ends these letters by one POST to the address. Set by hand, since
    the library folds within a long one."""
    if address is None:
        return b""
    if _CONTROL.search(address):
        raise ValueError("not an address")
    lines = f"List-Unsubscribe: <{address}>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    return lines.encode("ascii")


def _subject(words: str) -> bytes:
    """The header by the older encoder: the newer one moves spaces about where it meets a no-break space
    at a fold (tried, Python 3.11), and every French date has some.
    """
    encoded = Header(words, "utf-8", header_name="Subject").encode(linesep="\r\n")
    return f"Subject: {encoded}\r\n".encode("ascii")


def _address(name: str, email: str) -> Address:
    user, at, domain = email.rpartition("@")
    if not (at and user and domain) or _CONTROL.search(email):
        raise ValueError("not an address")
    # Any space becomes a plain one: see _subject.
    return Address(
        display_name=re.sub(r"\s+", " ", _CONTROL.sub(" ", name)).strip(), username=user, domain=domain
    )


def _environment(
    templates: Path, translations: Path, language: str, html: bool, common: Mapping[str, Any]
) -> Environment:
    # autoescape by part, not by file name: a letter's one source is set in both.
    environment = Environment(
        loader=FileSystemLoader(templates),
        autoescape=html,  # noqa: S701 - off for the text part alone
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.policies["ext.i18n.trimmed"] = True
    install: Any = environment
    install.install_gettext_translations(_catalogue(translations, language), newstyle=True)
    environment.globals.update(common)
    for name in _WORDS:
        function = partial(_said, getattr(wording, name), language, html)
        environment.globals[name] = function
    environment.filters["capital"] = partial(_capital, html)
    return environment


def _said(function: Callable[..., str], language: str, html: bool, /, *facts: Any) -> str:
    words = function(*facts, language)
    return _raised(words) if html else words


def _raised(words: str) -> Markup:
    """HTML of a date: the « er » of the first of a month stands raised."""
    return Markup(_FIRST_OF_MONTH.sub("1<sup>er</sup>", str(escape(words))))  # noqa: S704 - escaped above


def _capital(html: bool, words: str) -> str:
    raised = wording.capital(str(words))
    return Markup(raised) if html and isinstance(words, Markup) else raised  # noqa: S704 - as it came


def _catalogue(folder: Path, language: str) -> NullTranslations:
    """From the .po itself: letters must not depend on whether somebody compiled it."""
    file = folder / language / "LC_MESSAGES" / "messages.po"
    if language == "en" or not file.exists():
        return NullTranslations()
    with file.open("rb") as source:
        catalogue = read_po(source, locale=language)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled)


def _wordmark(name: str) -> tuple[str, str]:
    """The name in two: plain, and marked. « Dé|clic »."""
    cut = len(name) // 3
    return name[:cut], name[cut:]


def _tidy(text: str) -> str:
    lines = [line.strip(" \t\r") for line in text.strip().splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)) + "\n"
