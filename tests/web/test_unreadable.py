"""Bytes that are no text get a page that says so, whichever way they come: never a crash."""

from __future__ import annotations

import io
from typing import Any

import pytest
from flask import Flask

# As a server hands them on: undecoded in the query, decoded once in the path.
QUERIES = ["q=\xff", "q=%FF", "q=%ED%A0%80", "q=a%00b", "%FF=1", "q=\xc3"]
PATHS = ["/fr/offers/\xff", "/en/offers/a\x00b", "/\xed\xa0\x80"]


def asked(app: Flask, path: str, query: str = "", body: bytes | None = None) -> tuple[int, str]:
    """Status and text of the answer to a request no test client would send."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "GET" if body is None else "POST", "PATH_INFO": path, "QUERY_STRING": query,
        "SCRIPT_NAME": "", "SERVER_NAME": "localhost", "SERVER_PORT": "80", "HTTP_HOST": "localhost",
        "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1", "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body or b""), "wsgi.errors": io.StringIO(), "CONTENT_LENGTH": str(len(body or b"")),
        "CONTENT_TYPE": "application/x-www-form-urlencoded",
    }  # fmt: skip
    status = ""

    def start(line: str, _headers: Any, _error: Any = None) -> None:
        nonlocal status
        status = line

    text = b"".join(app(environ, start)).decode()
    return int(status.split()[0]), text


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_that_is_no_text(app: Flask, query: str) -> None:
    status, text = asked(app, "/en/offers", query)
    assert status == 400
    assert "<h1" in text
    assert 'href="/fr/' in text, "the whole frame stands, the other language's link in it"


@pytest.mark.parametrize("path", PATHS)
def test_a_path_that_is_no_text(app: Flask, path: str) -> None:
    assert asked(app, path)[0] == 400


@pytest.mark.parametrize("body", [b"email=%00", b"email=\xff", b"email=%ED%A0%80", b"%00=1"])
def test_a_form_that_is_no_text(app: Flask, body: bytes) -> None:
    assert asked(app, "/en/log-in", "", body)[0] == 400
