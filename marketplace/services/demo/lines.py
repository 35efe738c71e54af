"""Reading lines of data: each field is asked for by name and shape; what does not hold is noted, not raised."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from ...domain.errors import TextRefused
from ...domain.words import clean_line, clean_text

MOST_PROBLEMS = 50
_EMAIL = re.compile(r"[^@\s]{1,64}@[a-z0-9-]+(?:\.[a-z0-9-]+)+")
_LANGUAGE = re.compile(r"[a-z]{2}")


@dataclass(frozen=True)
class Problem:
    """What is wrong where. `line` 0: the file itself; `name` "": the whole line."""

    file: str
    line: int
    name: str
    what: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.name + ': ' if self.name else ''}{self.what}"


@dataclass
class Problems:
    """The first fifty, and how many more there are."""

    found: list[Problem] = field(default_factory=list)
    more: int = 0

    def note(self, file: str, line: int, name: str, what: str) -> None:
        """Add one, or count it where the list is long enough."""
        if len(self.found) < MOST_PROBLEMS:
            self.found.append(Problem(file, line, name, what))
        else:
            self.more += 1


class Line:
    """One JSON object of a file. Each method gives the field's value, or a neutral one after noting why not."""

    def __init__(self, problems: Problems, file: str, number: int, values: dict[str, Any]) -> None:
        self._problems = problems
        self.file = file
        self.number = number
        self._values = values
        self._asked: set[str] = set()
        self.flawed = False  # Of its own fields; those of objects within note theirs.

    def wrong(self, name: str, what: str) -> None:
        """Note that a field does not hold."""
        self.flawed = True
        self._problems.note(self.file, self.number, name, what)

    def has(self, name: str) -> bool:
        """Whether the field is there at all."""
        return name in self._values

    def text(
        self, name: str, most: int, *, least: int = 1, lines: bool = False, optional: bool = False
    ) -> str:
        """A text of `least` to `most` characters; an optional one may be missing or empty."""
        value = self._take(name, optional)
        if value is None or (optional and value == ""):
            return ""
        return self._text(name, value, most, least, lines)

    def texts(self, name: str, most_items: int, most: int, *, least_items: int = 1) -> list[str]:
        """A list of texts."""
        return [self._text(name, one, most, 1, False) for one in self._list(name, least_items, most_items)]

    def number_of(self, name: str, low: int, high: int, *, optional: bool = False) -> int:
        """A whole number within bounds; `low` where an optional one is missing."""
        value = self._take(name, optional)
        if value is None:
            return low
        if isinstance(value, bool) or not isinstance(value, int):
            self.wrong(name, f"a whole number is wanted, not {_shown(value)}")
        elif not low <= value <= high:
            self.wrong(name, f"{value} is not between {low} and {high}")
        else:
            return value
        return low

    def flag(self, name: str, *, optional: bool = False) -> bool:
        """true or false; false where an optional one is missing."""
        value = self._take(name, optional)
        if value is not None and not isinstance(value, bool):
            self.wrong(name, f"true or false is wanted, not {_shown(value)}")
        return value is True

    def one_of(self, name: str, choices: Collection[Any], *, optional: bool = False) -> Any:
        """One of a few values; the first of them where it is not."""
        value = self._take(name, optional)
        if value is not None:
            if isinstance(value, str | int) and value in choices:
                return value
            self.wrong(name, f"{_shown(value)} is none of {', '.join(str(c) for c in choices)}")
        return next(iter(choices))

    def known(self, name: str, known: Collection[str], what: str) -> str:
        """The id of something in another file."""
        value = self._take(name, False)
        if isinstance(value, str) and value in known:
            return value
        if value is not None:
            self.wrong(name, f"{_shown(value)} is no {what}")
        return ""

    def all_known(self, name: str, known: Collection[str], what: str, most: int) -> list[str]:
        """A list of such ids."""
        kept: list[str] = []
        for value in self._list(name, 0, most):
            if isinstance(value, str) and value in known:
                kept.append(value)
            else:
                self.wrong(name, f"{_shown(value)} is no {what}")
        return kept

    def languages(self, name: str) -> list[str]:
        """Two-letter codes of languages, at least one."""
        return [
            self._match(name, one, _LANGUAGE, "a language of two letters") for one in self._list(name, 1, 12)
        ]

    def email(self, name: str) -> str:
        """An address in lower case."""
        value = self._take(name, False)
        return "" if value is None else self._match(name, str(value).lower(), _EMAIL, "an e-mail address")

    def zone(self, name: str) -> str:
        """An IANA time zone."""
        value = self._take(name, False)
        if value is None:
            return ""
        try:
            return ZoneInfo(value).key
        except (OSError, ValueError, TypeError, LookupError):
            self.wrong(name, f"{_shown(value)} is no time zone")
            return ""

    def objects(self, name: str, most: int, *, optional: bool = False) -> list[Line]:
        """A list of objects, each read like a line of its own; problems name the field they stand in."""
        if optional and name not in self._values:
            self._asked.add(name)
            return []
        found: list[Line] = []
        for index, value in enumerate(self._list(name, 0, most), 1):
            if isinstance(value, dict):
                found.append(_Inner(self, f"{name}[{index}]", value))
            else:
                self.wrong(f"{name}[{index}]", "an object is wanted")
        return found

    def inner(self, name: str, *, optional: bool = False) -> Line | None:
        """An object inside the line."""
        value = self._take(name, optional)
        if value is None:
            return None
        if not isinstance(value, dict):
            self.wrong(name, f"an object is wanted, not {_shown(value)}")
            return None
        return _Inner(self, name, value)

    def raw_list(self, name: str, most: int) -> list[Any]:
        """A list whose items the caller looks at."""
        return self._list(name, 0, most)

    def done(self) -> None:
        """Note fields nobody asked for: a misspelt one must not be lost in silence."""
        for name in self._values.keys() - self._asked:
            self.wrong(name, "no such field is known here")

    def _take(self, name: str, optional: bool) -> Any:
        self._asked.add(name)
        if name not in self._values or self._values[name] is None:
            if not optional:
                self.wrong(name, "is missing")
            return None
        return self._values[name]

    def _list(self, name: str, least: int, most: int) -> list[Any]:
        value = self._take(name, False)
        if value is None:
            return []
        if not isinstance(value, list):
            self.wrong(name, f"a list is wanted, not {_shown(value)}")
            return []
        if not least <= len(value) <= most:
            self.wrong(name, f"{least} to {most} items are wanted, not {len(value)}")
            return []
        return value

    def _text(self, name: str, value: Any, most: int, least: int, lines: bool) -> str:
        if not isinstance(value, str):
            self.wrong(name, f"a text is wanted, not {_shown(value)}")
            return ""
        try:
            clean = clean_text(value, most) if lines else clean_line(value, most)
        except TextRefused as refusal:
            why = refusal.facts["why"]
            what = (
                f"is longer than {most} characters" if why == "too_long" else "holds characters nobody types"
            )
            self.wrong(name, what)
            return ""
        if len(clean) < least:
            self.wrong(name, "is empty" if least == 1 else f"is shorter than {least} characters")
        return clean

    def _match(self, name: str, value: Any, pattern: re.Pattern[str], what: str) -> str:
        if isinstance(value, str) and pattern.fullmatch(value):
            return value
        self.wrong(name, f"{_shown(value)} is not {what}")
        return ""


class _Inner(Line):
    def __init__(self, outer: Line, prefix: str, values: dict[str, Any]) -> None:
        super().__init__(outer._problems, outer.file, outer.number, values)
        self._prefix = prefix

    def wrong(self, name: str, what: str) -> None:
        super().wrong(f"{self._prefix}.{name}" if name else self._prefix, what)


def read_lines(problems: Problems, path: Path, *, optional: bool) -> Iterator[Line]:
    """The objects of a .jsonl file, blank lines left out; what is no object is noted."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        if not optional:
            problems.note(path.name, 0, "", "the file is missing")
        return
    except OSError as error:
        problems.note(path.name, 0, "", f"cannot be read ({error.strerror})")
        return
    for number, raw in enumerate(content.split(b"\n"), 1):
        if not raw.strip():
            continue
        try:
            values = json.loads(raw.decode("utf-8-sig"))
        except UnicodeDecodeError:
            problems.note(path.name, number, "", "is not UTF-8")
        except (ValueError, RecursionError) as error:
            problems.note(path.name, number, "", f"is not JSON ({str(error)[:80]})")
        else:
            if isinstance(values, dict):
                yield Line(problems, path.name, number, values)
            else:
                problems.note(path.name, number, "", "an object is wanted")


def _shown(value: Any) -> str:
    try:
        text = json.dumps(value, ensure_ascii=True)
    except (TypeError, ValueError):
        text = repr(value)
    return text if len(text) <= 40 else text[:39] + "…"
