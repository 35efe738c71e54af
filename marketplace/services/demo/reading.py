"""The folder's files as checked values. Nothing here touches the database."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

from ...domain.errors import HoursRefused
from ...domain.hours import MOST_WEEKLY, NUMBERS, OPTIONAL, Typed, read_hours
from ...gateways.payments import ACCOUNT_COUNTRIES
from ...storage.companies import ROLES
from ...storage.offers import FORMATS, POLICIES
from ...storage.people import LANGUAGES
from .lines import Line, Problem, Problems, read_lines

COUNTRIES = tuple(sorted(ACCOUNT_COUNTRIES))
MOST_RANGES = 100
MOST_DATED = 400
BILLING = {"legal_name": 120, "street": 160, "postcode": 20, "city": 80, "country": 2, "vat_number": 20}


@dataclass
class Folder:
    """What the files say, each row a plain dict of checked values; or what is wrong with them."""

    topics: list[dict[str, Any]] = field(default_factory=list)
    industries: list[dict[str, Any]] = field(default_factory=list)
    experts: list[dict[str, Any]] = field(default_factory=list)
    offers: list[dict[str, Any]] = field(default_factory=list)
    reviews: list[dict[str, Any]] = field(default_factory=list)
    people: list[dict[str, Any]] = field(default_factory=list)
    hours: dict[str, dict[str, Any]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    more: int = 0


def read_folder(folder: Path) -> Folder:
    """Read and check all files of the folder, also against each other."""
    noted = Problems()
    read = Folder()
    named = _taxonomy(noted, folder / "taxonomy.json", read)
    read.experts = _rows(noted, folder / "experts.jsonl", _expert)
    _twice(noted, read.experts, "id", "experts.jsonl")
    _twice(noted, read.experts, "email", "experts.jsonl")
    experts = {row["id"] for row in read.experts}
    topics = {row["slug"] for row in read.topics}
    industries = {row["slug"] for row in read.industries}

    def offer(line: Line) -> dict[str, Any]:
        return _offer(line, experts, topics if named else None, industries if named else None)

    read.offers = _rows(noted, folder / "offers.jsonl", offer)
    _twice(noted, read.offers, "id", "offers.jsonl")
    if not named:
        _names_from_offers(read)
    offers = {row["id"] for row in read.offers}
    read.reviews = _rows(noted, folder / "reviews.jsonl", lambda line: _review(line, offers), optional=True)
    read.people = _rows(noted, folder / "people.jsonl", _person, optional=True)
    both = {row["email"] for row in read.experts} - {""}
    for row in read.people:
        if row["email"] in both:
            noted.note("people.jsonl", row["line"], "email", f"{row['email']} stands in experts.jsonl too")
    _twice(noted, read.people, "email", "people.jsonl")
    hours = _rows(noted, folder / "availability.jsonl", lambda line: _hours(line, experts), optional=True)
    _twice(noted, hours, "expert", "availability.jsonl")
    read.hours = {row["expert"]: row for row in hours}
    read.problems, read.more = noted.found, noted.more
    return read


def _rows(
    noted: Problems, path: Path, reader: Callable[[Line], dict[str, Any]], *, optional: bool = False
) -> list[dict[str, Any]]:
    found = []
    for line in read_lines(noted, path, optional=optional):
        row = reader(line) | {"line": line.number}
        line.done()
        found.append(row)
    if not found and not optional and path.exists():
        noted.note(path.name, 0, "", "holds no line that can be read")
    return found


def _twice(noted: Problems, rows: list[dict[str, Any]], name: str, file: str) -> None:
    seen: set[str] = set()
    for row in rows:
        if row[name] and row[name] in seen:
            noted.note(file, row["line"], name, f"{row[name]} stands here twice")
        seen.add(row[name])


def _expert(line: Line) -> dict[str, Any]:
    return {
        "id": line.text("id", 40),
        "name": line.text("name", 120),
        "email": line.email("email"),
        "headline": line.text("headline", 160),
        "startup": line.text("startup", 80),
        "startup_role": line.text("startup_role", 80),
        "city": line.text("city", 80),
        "country": line.one_of("country", COUNTRIES),
        "zone": line.zone("time_zone"),
        "languages": line.languages("languages"),
        "bio": line.text("bio", 4000, lines=True),
        "language": line.one_of("lang", LANGUAGES),
    }


def _offer(
    line: Line, experts: set[str], topics: set[str] | None, industries: set[str] | None
) -> dict[str, Any]:
    return {
        "id": line.text("id", 40),
        "expert": line.known("expert", experts, "expert of experts.jsonl"),
        "language": line.one_of("lang", LANGUAGES),
        "title": line.text("title", 160),
        "problem": line.text("problem", 4000, lines=True),
        "failed": line.text("failed", 4000, lines=True, optional=True),
        "unlocked": line.text("unlocked", 4000, lines=True),
        "takeaways": line.texts("takeaways", 8, 300),
        "for_whom": line.text("for_whom", 400),
        "not_for_whom": line.text("not_for_whom", 400, optional=True),
        "topics": _slugs(line, "topics", topics),
        "industries": _slugs(line, "industries", industries),
        "minutes": line.one_of("duration_minutes", (180, 210, 240)),
        "price_minor": line.number_of("price_eur", 1, 100_000) * 100,
        "format": line.one_of("format", FORMATS),
        "notice_hours": line.number_of("min_notice_hours", 4, 1440),
        "policy": line.one_of("cancellation", POLICIES),
        "instant": line.flag("instant_booking"),
    }


def _slugs(line: Line, name: str, known: set[str] | None) -> list[str]:
    """Without a taxonomy a slug is its own name."""
    if known is None:
        return line.texts(name, 12, 60, least_items=0)
    return line.all_known(name, known, f"slug of taxonomy.json ({name})", 12)


def _review(line: Line, offers: set[str]) -> dict[str, Any]:
    return {
        "offer": line.known("offer", offers, "offer of offers.jsonl"),
        "author_name": line.text("reviewer_name", 120),
        "author_company": line.text("reviewer_company", 120),
        "author_role": line.text("reviewer_role", 120, optional=True),
        "usefulness": line.number_of("rating", 1, 5),
        "days_saved": line.number_of("time_saved_days", 0, 999),
        "unlocked": line.one_of("unlocked", ("yes", "partly", "no")),
        "months_ago": line.number_of("months_ago", 1, 120),
        "text": line.text("text", 2000, lines=True),
        "language": line.one_of("lang", LANGUAGES, optional=True) if line.has("lang") else "",
    }


def _person(line: Line) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": line.text("name", 120),
        "email": line.email("email"),
        "language": line.one_of("lang", LANGUAGES),
        "zone": line.zone("time_zone"),
        "operator": line.flag("operator", optional=True),
        "roles": [],
        "company": None,
    }
    company = line.inner("company", optional=True)
    if company is not None:
        row["roles"] = line.all_known("roles", ROLES, "role of a company", len(ROLES))
        if not row["roles"]:
            line.wrong("roles", "somebody of a company has at least one")
        row["company"] = {"name": company.text("name", 120)} | {
            name: company.text(name, most, optional=True) or None for name, most in BILLING.items()
        }
        company.done()
    return row


def _hours(line: Line, experts: set[str]) -> dict[str, Any]:
    """What the line says; what it leaves out stays the stated default (`writing.default_hours`)."""
    row: dict[str, Any] = {"expert": line.known("expert", experts, "expert of experts.jsonl")}
    if line.has("zone"):
        row["zone"] = line.zone("zone")
    if line.has("weekly"):
        row["weekly"] = [_weekly(one) for one in line.objects("weekly", MOST_RANGES)]
    if line.has("dated"):
        row["dated"] = [_dated(one) for one in line.objects("dated", MOST_DATED)]
    if line.has("buffers"):
        row["before_minutes"], row["after_minutes"] = _buffers(line)
    if line.has("notice"):
        row["notice_hours"] = line.number_of("notice", 4, 1440)
    if line.has("grid"):
        row["grid_minutes"] = line.one_of("grid", (30, 15, 60))
    if not line.flawed:
        _in_order(line, row.get("weekly", ()), row.get("dated", ()))
    return row


_SOUND = {name: str(least) for name, (least, _most) in NUMBERS.items() if name not in OPTIONAL}
# What the hours' own law refuses of ranges; limits of numbers and dates are a file's own.
_DISORDER = {
    "empty": "ends before it begins", "overlap": "overlaps another range",
    "twice": "is a day with hours and without", "too_many": f"more than {MOST_WEEKLY} ranges a week",
}  # fmt: skip


def _in_order(line: Line, weekly: Sequence[dict[str, Any]], dated: Sequence[dict[str, Any]]) -> None:
    """As in an expert's own form: no range the wrong way round, none over another."""
    ranges = [(n, (day, one["start"], one["end"])) for n, one in enumerate(weekly, 1) for day in one["days"]]
    away = [(n, (one["day"], "")) for n, one in enumerate(dated, 1) if not one["ranges"]]
    other = [(n, (one["day"], *pair)) for n, one in enumerate(dated, 1) for pair in one["ranges"]]
    first = min((date.fromisoformat(one["day"]) for one in dated), default=date(2000, 1, 1))
    typed = Typed(
        zone="Etc/UTC", weekly=tuple(row for _n, row in ranges), away=tuple(row for _n, row in away),
        other=tuple(row for _n, row in other), numbers=_SOUND,
    )  # fmt: skip
    try:
        read_hours(typed, datetime.combine(first, time(12), UTC))
    except HoursRefused as refused:
        places: dict[str, tuple[str, list[tuple[int, Any]]]] = {
            "weekly": ("weekly", ranges), "away": ("dated", away), "other": ("dated", other),
        }  # fmt: skip
        said: set[tuple[str, int, str]] = set()
        for problem in refused.facts["problems"]:
            kind, _dash, at = problem.row.partition("-")
            if (
                problem.why in _DISORDER
                and kind in places
                and (problem.why != "too_many" or kind == "weekly")
            ):
                name, rows = places[kind]
                said.add((name, rows[int(at)][0], _DISORDER[problem.why]))
        for name, n, words in sorted(said):
            line.wrong(f"{name}[{n}]", words)


def _buffers(line: Line) -> tuple[int, int]:
    buffers = line.inner("buffers")
    if buffers is None:
        return 0, 0
    before, after = (buffers.number_of(side, 0, 480, optional=True) for side in ("before", "after"))
    buffers.done()
    return before, after


def _weekly(line: Line) -> dict[str, Any]:
    days = line.raw_list("days", 7)
    if not days or not all(type(day) is int and 1 <= day <= 7 for day in days):
        line.wrong("days", "ISO days 1 (Monday) to 7 are wanted")
        days = []
    row = {
        "days": days,
        "start": _clock(line, "start", line.text("start", 5)),
        "end": _clock(line, "end", line.text("end", 5)),
    }
    line.done()
    return row


def _dated(line: Line) -> dict[str, Any]:
    day = line.text("day", 10)
    try:
        date.fromisoformat(day)
    except ValueError:
        line.wrong("day", f"{day!r} is no day of the form 2026-12-24")
    ranges = []
    for pair in line.raw_list("ranges", 12):
        if isinstance(pair, list) and len(pair) == 2 and all(isinstance(at, str) for at in pair):
            ranges.append([_clock(line, "ranges", at) for at in pair])
        else:
            line.wrong("ranges", "pairs of times are wanted")
    line.done()
    return {"day": day, "ranges": ranges}


def _clock(line: Line, name: str, text: str) -> str:
    try:
        if len(text) != 5:
            raise ValueError
        return time.fromisoformat(text).strftime("%H:%M")
    except ValueError:
        if text:
            line.wrong(name, f"{text!r} is no time of the form 09:30")
        return "00:00"


def _taxonomy(noted: Problems, path: Path, read: Folder) -> bool:
    """Whether there is one. Both lists hold {slug, fr, en}."""
    if not path.exists():
        return False
    try:
        content = json.loads(path.read_bytes().decode("utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        noted.note(path.name, 0, "", f"is not JSON ({str(error)[:80]})")
        return True
    if not isinstance(content, dict):
        noted.note(path.name, 0, "", "an object is wanted")
        return True
    whole = Line(noted, path.name, 0, content)
    read.topics = list(_named(whole, "topics"))
    read.industries = list(_named(whole, "industries"))
    whole.done()
    _twice(noted, read.topics, "slug", path.name)
    _twice(noted, read.industries, "slug", path.name)
    return True


def _named(whole: Line, kind: str) -> Iterator[dict[str, Any]]:
    for one in whole.objects(kind, 500):
        yield {"slug": one.text("slug", 60), "fr": one.text("fr", 80), "en": one.text("en", 80), "line": 0}
        one.done()


def _names_from_offers(read: Folder) -> None:
    for kind, rows in (("topics", read.topics), ("industries", read.industries)):
        slugs = sorted({slug for offer in read.offers for slug in offer[kind]})
        rows.extend({"slug": slug, "fr": slug, "en": slug, "line": 0} for slug in slugs)
