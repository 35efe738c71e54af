"""The web server reads the longest address of ours, and still refuses what is longer than any."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from gunicorn.config import Config
from gunicorn.http.errors import LimitRequestLine
from gunicorn.http.parser import RequestParser

from marketplace.cli import gunicorn_settings


def read(address: str) -> Any:
    settings = Config()
    settings.set("limit_request_line", gunicorn_settings.limit_request_line)
    whole = f"GET {address} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    return next(RequestParser(settings, [whole], ("127.0.0.1", 1)))


@pytest.mark.parametrize("letter", ["x", "é", "🧨"])
def test_the_longest_question(letter: str) -> None:
    for characters in (8_000, 20_000):  # The longest that is read, and one that our own page refuses.
        question = quote(letter * characters)
        assert read(f"/api/v1/offers?q={question}").query == f"q={question}"


def test_a_longer_address_is_refused() -> None:
    with pytest.raises(LimitRequestLine):
        read("/?" + "x" * 270_000)
