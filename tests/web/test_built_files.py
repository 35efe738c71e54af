"""Built files: as they lie there, compressed where the browser takes it, kept for good, with every header."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from flask import Flask

from marketplace.web import assets
from marketplace.web.security import HEADERS, HSTS, file_headers
from tools.assets import compress

CSS = "app.0123456789.css"
TEXT = b".a { color: red }\n" * 40


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Flask:
    build = tmp_path / "build"
    (build / "abcdef0123" / "js").mkdir(parents=True)
    (build / CSS).write_bytes(TEXT)
    (build / "abcdef0123" / "js" / "app.js").write_bytes(b"import './b.js';\n" * 30)
    monkeypatch.setattr("tools.assets.BUILD", build)
    compress({"css": CSS, "js": "abcdef0123/js/app.js"})
    monkeypatch.setattr(assets, "STATIC", tmp_path)
    made = Flask(__name__, static_folder=str(tmp_path), static_url_path="/static")
    assets.hand_out(made, file_headers(secure=True))
    return made


@pytest.mark.parametrize(("takes", "gets"), [("gzip, br", "br"), ("gzip", "gzip"), ("", None)])
@pytest.mark.parametrize("path", [CSS, "abcdef0123/js/app.js"])
def test_as_the_browser_takes_it(site: Flask, path: str, takes: str, gets: str | None) -> None:
    answer = site.test_client().get(
        f"/static/build/{path}", headers={"Accept-Encoding": takes}, buffered=True
    )
    assert (answer.status_code, answer.headers.get("Content-Encoding")) == (200, gets)
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert "immutable" in answer.headers["Cache-Control"]
    assert "Access-Control-Allow-Origin" not in answer.headers
    for name, value in {**HEADERS, "Strict-Transport-Security": HSTS}.items():
        assert answer.headers[name] == value
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    if gets == "gzip" and path == CSS:
        assert gzip.decompress(answer.data) == TEXT


def test_what_a_later_build_took_away_is_missing_and_no_fault(site: Flask, tmp_path: Path) -> None:
    (tmp_path / "build" / CSS).unlink()
    assert site.test_client().get(f"/static/build/{CSS}").status_code == 404


@pytest.mark.parametrize("path", ["../secret", "%2e%2e/secret", "a\x00b", "none.css", ""])
def test_nothing_else_is_reached(site: Flask, tmp_path: Path, path: str) -> None:
    (tmp_path.parent / "secret").write_text("no")
    assert site.test_client().get(f"/static/build/{path}").status_code == 404


def test_writing_is_not_for_files(site: Flask) -> None:
    assert site.test_client().post(f"/static/build/{CSS}").status_code == 405


def test_without_a_build_nothing_is_wrapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets, "STATIC", tmp_path)
    bare = Flask(__name__)
    before = bare.wsgi_app
    assets.hand_out(bare, {})
    assert bare.wsgi_app == before
