"""Where the browser finds stylesheet, faces and modules: as built, or as written while nothing has been built.

What was built is handed out by WhiteNoise before the application is asked: compressed as it lies there,
and kept by browsers for good, since every name holds a hash of the content.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from flask import Flask, url_for
from whitenoise import WhiteNoise

STATIC = Path(__file__).resolve().parents[2] / "static"


class Assets(NamedTuple):
    """File names below `static/`."""

    css: str
    js: str
    fonts: tuple[str, ...]


AS_WRITTEN = Assets("css/app.css", "js/app.js", ())


def install(app: Flask) -> None:
    """Give the templates `assets()`: addresses of what `tools/assets.py` made, read once in production."""
    app.jinja_env.globals["assets"] = lambda: _addresses(app)


def hand_out(app: Flask, headers: Mapping[str, str]) -> None:
    """Serve `static/build` as it stands now, each answer with these headers; all else stays the application's."""
    build = STATIC / "build"
    if not build.is_dir():
        return

    def say(answer: Any, path: str, url: str) -> None:
        for name, value in headers.items():
            answer[name] = value

    app.wsgi_app = _Built(  # type: ignore[method-assign]
        app.wsgi_app, root=build, prefix="static/build/", allow_all_origins=False, add_headers_function=say,
        immutable_file_test=r"[/.][0-9a-f]{10}[/.]",
    )  # fmt: skip


class _Built(WhiteNoise):
    """Reading alone; what a later build took away is the application's to miss."""

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        if environ["REQUEST_METHOD"] in ("GET", "HEAD"):
            try:
                return super().__call__(environ, start_response)
            except FileNotFoundError:
                pass
        return self.application(environ, start_response)


def _addresses(app: Flask) -> Assets:
    found = _read(_stamp())
    return Assets(
        url_for("static", filename=found.css),
        url_for("static", filename=found.js),
        tuple(url_for("static", filename=name) for name in found.fonts),
    )


def _stamp() -> int:
    try:
        return (STATIC / "build" / "manifest.json").stat().st_mtime_ns
    except FileNotFoundError:
        return 0


@lru_cache(maxsize=1)
def _read(stamp: int) -> Assets:
    if not stamp:
        return AS_WRITTEN
    said = json.loads((STATIC / "build" / "manifest.json").read_text("utf-8"))
    return Assets(
        f"build/{said['css']}", f"build/{said['js']}", tuple(f"build/{name}" for name in said["fonts"])
    )
