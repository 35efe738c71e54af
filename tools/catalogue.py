"""The message catalogues: English text is the msgid, French its translation, sorted, without line numbers.

    python tools/catalogue.py add fragment.po     merge translations into the French catalogue
    python tools/catalogue.py renew               take what the code says now; drop what it no longer says
    python tools/catalogue.py missing             list what has no French (exit 1 when there is any)

Without line numbers and sorted, a change to a template does not shuffle the whole file, and two
people's additions rarely meet.
"""

from __future__ import annotations

import fcntl
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).resolve().parent.parent
METHODS = [("marketplace/**.py", "python"), ("templates/**", "jinja2.ext:babel_extract")]
OPTIONS = {"templates/**": {"extensions": "jinja2.ext.i18n", "trimmed": "true", "silent": "false"}}
KEYWORDS = {
    "_": None,
    "gettext": None,
    "lazy_gettext": None,
    "_l": None,
    "ngettext": (1, 2),
    "lazy_ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
    "lazy_pgettext": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}


def path(language: str) -> Path:
    return HERE / "translations" / language / "LC_MESSAGES" / "messages.po"


@contextmanager
def locked() -> Iterator[None]:
    with (HERE / "translations" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def read(language: str) -> Catalog:
    if not path(language).exists():
        return Catalog(locale=language)
    with path(language).open("rb") as file:
        return read_po(file, locale=language)


def write(language: str, catalogue: Catalog) -> None:
    catalogue.project, catalogue.version = "declic", "1"
    catalogue.fuzzy = False
    catalogue.creation_date = catalogue.revision_date = None  # type: ignore[assignment]
    catalogue.header_comment = f"# Déclic, {language}. Changed by tools/catalogue.py; see there."
    target = path(language)
    fresh = target.with_suffix(".tmp")
    with fresh.open("wb") as file:
        write_po(file, catalogue, sort_output=True, no_location=True, width=0, omit_header=False)
    kept = [
        line
        for line in fresh.read_text("utf-8").splitlines(keepends=True)
        if not line.startswith(('"POT-', '"PO-', '"Generated-By', '"Report-', '"Last-', '"Language-Team'))
    ]
    fresh.write_text("".join(kept), "utf-8")
    fresh.replace(target)


def spoken() -> Catalog:
    """What the code and the templates say now."""
    catalogue = Catalog()
    found = extract_from_dir(HERE, METHODS, OPTIONS, KEYWORDS, comment_tags=(), directory_filter=_ours)
    for _file, _line, text, _comments, context in found:
        catalogue.add(text, context=context)
    return catalogue


def _ours(folder: str | Path) -> bool:
    name = Path(folder).name
    return not name.startswith(".") and name not in {
        "var",
        "tests",
        "static",
        "sandbox",
        "node_modules",
        "demo",
    }


def add(fragment: Path) -> None:
    with fragment.open("rb") as file:
        new = read_po(file, locale="fr")
    with locked():
        french = read("fr")
        for message in new:
            if message.id:
                french.delete(message.id, message.context)
                french.add(message.id, message.string, context=message.context)
        write("fr", french)


def renew() -> None:
    now = spoken()
    with locked():
        before = read("fr")
        french, english = Catalog(locale="fr"), Catalog(locale="en")
        for message in now:
            if not message.id:
                continue
            known = before.get(message.id, message.context)
            french.add(message.id, known.string if known else "", context=message.context)
            english.add(message.id, message.id, context=message.context)
        write("fr", french)
        write("en", english)


def missing() -> list[Message]:
    french = read("fr")
    return [m for m in spoken() if m.id and not _said(french.get(m.id, m.context))]


def _said(message: Message | None) -> bool:
    if message is None or message.fuzzy:
        return False
    return all(message.string) if isinstance(message.string, tuple) else bool(message.string)


def main(arguments: list[str]) -> int:
    match arguments:
        case ["add", fragment]:
            add(Path(fragment))
        case ["renew"]:
            renew()
        case ["missing"]:
            lacking = missing()
            for message in lacking:
                print(message.id)
            return 1 if lacking else 0
        case _:
            print(__doc__)
            return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
