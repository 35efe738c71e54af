"""Where the browser finds stylesheet, faces and modules: as built, or as written while nothing has been built."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from flask import Flask, url_for

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
