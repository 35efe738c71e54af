"""What every answer says to the browser, and what no request may bring in.

The policy is one string without nonces, since no page holds any inline code (ux.md 2.2). Sent with
every answer of every status, errors too.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from flask import Flask, g, request
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from .house import house

KIBIBYTE = 1024
MOST_BYTES = 1024 * KIBIBYTE
MOST_FIELDS = 1000
# A photograph may weigh 5 MiB; what is somewhat heavier is refused beside its field, not by a bare page.
_THREE_FILES = 16 * 1024 * KIBIBYTE
MOST_OF_FILES = {
    "expert.photo": 12 * 1024 * KIBIBYTE,
    "buyer.report": _THREE_FILES,
    "buyer.dispute_act": _THREE_FILES,
    "expert.report": _THREE_FILES,
    "expert.dispute_act": _THREE_FILES,
    "operator.report": _THREE_FILES,
}

# Where a page's form may lead besides this site: the provider's own pages, reached by our redirect.
PROVIDERS_PAGES = {
    "buyer.check": "https://checkout.stripe.com",
    "buyer.pay": "https://checkout.stripe.com",
    "buyer.booking": "https://checkout.stripe.com",
    "expert.account": "https://connect.stripe.com",
}
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: Flask-WTF checks the referrer of posts over https.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), interest-cohort=()",
}
HSTS = "max-age=63072000; includeSubDomains"
_SURROGATE = re.compile("[\ud800-\udfff]")


def start(app: Flask) -> None:
    """Wire the limits on requests, the gate for what they bring, and the headers of answers."""
    app.config.update(
        MAX_CONTENT_LENGTH=MOST_BYTES, MAX_FORM_MEMORY_SIZE=MOST_BYTES, MAX_FORM_PARTS=MOST_FIELDS
    )
    app.before_request(refuse_unreadable)
    app.after_request(say_headers)


def content_policy(endpoint: str | None, *, stripe: bool) -> str:
    """The policy of this page: nothing from elsewhere; forms to the provider only where one leads there."""
    forms = "'self'"
    if stripe and endpoint in PROVIDERS_PAGES:
        forms += f" {PROVIDERS_PAGES[endpoint]}"
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        f"connect-src 'self'; form-action {forms}; base-uri 'none'; frame-ancestors 'none'; "
        "object-src 'none'; manifest-src 'self'; require-trusted-types-for 'script'"
    )


def file_headers(*, secure: bool) -> dict[str, str]:
    """What goes with a built file, which no view answers."""
    said = {"Content-Security-Policy": content_policy("static", stripe=False), **HEADERS}
    return said | ({"Strict-Transport-Security": HSTS} if secure else {})


def say_headers(answer: Response) -> Response:
    """Add the headers; a view that set a policy of its own (a letter's sandbox) keeps it."""
    config = house().config
    answer.headers.setdefault(
        "Content-Security-Policy", content_policy(request.endpoint, stripe=config.payments == "stripe")
    )
    for name, value in HEADERS.items():
        answer.headers.setdefault(name, value)
    if config.secure:
        answer.headers.setdefault("Strict-Transport-Security", HSTS)
    if request.endpoint != "static":
        # A signed-in page must not come back by the back button after log-out; other pages hold a form's token.
        private = g.get("me") is not None or request.cookies
        answer.headers.setdefault("Cache-Control", "no-store" if private else "no-cache")
    return answer


def refuse_unreadable() -> None:
    """400 for NUL, lone surrogates and broken UTF-8 anywhere in path, query or form: no text has them."""
    if request.endpoint in MOST_OF_FILES:
        request.max_content_length = MOST_OF_FILES[request.endpoint]
    path = request.environ.get("PATH_INFO", "").encode("latin-1", "replace")
    if not (_is_text(path) and _is_text(unquote_to_bytes(request.query_string.replace(b"+", b" ")))):
        # The error page reads the query too (the other language's link), and decodes it strictly.
        request.query_string = b""
        raise BadRequest
    if request.method not in ("POST", "PUT", "PATCH") or not request.mimetype.endswith("form-urlencoded"):
        return _check_values()
    if not _is_text(unquote_to_bytes(request.get_data(cache=True).replace(b"+", b" "))):
        raise BadRequest
    return _check_values()


def _check_values() -> None:
    if request.mimetype not in ("application/x-www-form-urlencoded", "multipart/form-data"):
        return
    for name, value in request.form.items(multi=True):
        if "\0" in name + value or _SURROGATE.search(name + value):
            raise BadRequest
    for file in request.files.values():
        if "\0" in (file.filename or ""):
            raise BadRequest


def _is_text(raw: bytes) -> bool:
    if b"\0" in raw:
        return False
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
