"""Busy calendars: read by a job and before a yes, kept with what they said last.

A copy counts until a newer one comes. Where none was good for 72 hours the expert is *stale*: known busy
times still block, and instant offers are asked first, with 24 hours' notice at least. Nothing is fetched
inside a transaction: a reading is claimed in one, made outside, and written in another.
"""

from __future__ import annotations

import hashlib
import random
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import TSTZRANGE, Range
from sqlalchemy.orm import Session

from ...domain.availability import COUNTS_FOR, Interval
from ...domain.errors import BusyCalendarRefused, NotFound
from ...domain.events import BusyCalendarFailing, BusyCalendarReadAgain, CalendarChanged
from ...domain.policy import Actor
from ...domain.words import clean_line
from ...gateways.calendars import Busy, BusyReader, CalendarUnread
from ...storage import locks
from ...storage.availability import BusyCalendar, Calendar
from ...storage.db import Database, Tx
from ..people.sealing import seal, unseal
from ..people.trail import write_audit

MOST = 5
EVERY = timedelta(minutes=10)
JITTER = timedelta(minutes=5)
# A copy older than this is worked out anew, also where nothing changed: its last day has moved.
ANEW = timedelta(hours=24)
LEASE = timedelta(minutes=2)
# Seconds after which no further calendar is begun while somebody waits.
AT_ONCE = 15.0
AT_REST = b"declic busy calendar at rest"


@dataclass(frozen=True)
class Source:
    """How calendars are read: by whom, and the key that opens their addresses."""

    read: BusyReader
    secret_key: str


def busy_of(
    session: Session, experts: Collection[uuid.UUID], window: Interval
) -> dict[uuid.UUID, list[Interval]]:
    """What their calendars say is busy within a window, in no order and not merged; one statement."""
    found: dict[uuid.UUID, list[Interval]] = {expert: [] for expert in experts}
    for row in _busy_rows(session, experts, window):
        found[row.expert_id].append((row.during.lower, row.during.upper))
    return found


def busy_named(session: Session, expert_id: uuid.UUID, window: Interval) -> list[tuple[Interval, str]]:
    """The same of one expert, each with its calendar's name."""
    rows = _busy_rows(session, [expert_id], window)
    return [((row.during.lower, row.during.upper), row.name) for row in rows]


def _busy_rows(session: Session, experts: Collection[uuid.UUID], window: Interval) -> Sequence[sa.Row[Any]]:
    during = sa.func.unnest(BusyCalendar.busy).table_valued(sa.column("during", TSTZRANGE))
    one = during.render_derived("one")
    return session.execute(
        sa.select(BusyCalendar.expert_id, one.c.during, BusyCalendar.name)
        .join(one, sa.true())
        .where(BusyCalendar.expert_id.in_(experts), one.c.during.op("&&")(Range(*window, bounds="[)")))
    ).all()


def stale_experts(session: Session, experts: Collection[uuid.UUID], now: datetime) -> set[uuid.UUID]:
    """Whose busy calendars have, at least one, no good copy of the last 72 hours; one statement."""
    return set(
        session.scalars(
            sa.select(BusyCalendar.expert_id)
            .where(BusyCalendar.expert_id.in_(experts), BusyCalendar.good_at <= now - COUNTS_FOR)
            .distinct()
        )
    )


def busy_calendars(session: Session, expert_id: uuid.UUID) -> list[BusyCalendar]:
    """An expert's, as they were added."""
    return list(
        session.scalars(
            sa.select(BusyCalendar)
            .where(BusyCalendar.expert_id == expert_id)
            .order_by(BusyCalendar.made_at, BusyCalendar.id)
        )
    )


def busy_time(calendar: BusyCalendar, now: datetime) -> timedelta:
    """How long a calendar is busy over the next sixty days."""
    until = now + timedelta(days=60)
    times = ((max(one.lower, now), min(one.upper, until)) for one in calendar.busy if one.lower and one.upper)
    return sum((end - start for start, end in times if start < end), timedelta())


def add_busy_calendar(db: Database, source: Source, actor: Actor, *, name: str, address: str) -> BusyCalendar:
    """Read a calendar, and keep it where that worked. NotFound, BusyCalendarRefused."""
    expert_id = _expert(actor)
    name = clean_line(name, 60)
    address = _as_https(address)
    with db.reading() as session:
        kept = session.get(Calendar, expert_id)
        if kept is None:
            raise NotFound
        if len(busy_calendars(session, expert_id)) >= MOST:
            raise BusyCalendarRefused(why="too_many", most=MOST)
        zone = kept.zone
    if not name:
        raise BusyCalendarRefused(why="name_missing")
    now = db.clock()
    try:
        said = source.read(address, zone=zone, now=now)
    except CalendarUnread as unread:
        raise BusyCalendarRefused(why=unread.why, **unread.facts) from unread
    if said is None:  # Nothing was asked for on condition.
        raise BusyCalendarRefused(why="answer", status=304)
    with db.transaction() as tx:
        locks.take(tx, calendar=expert_id)
        held = busy_calendars(tx.session, expert_id)
        if len(held) >= MOST:
            raise BusyCalendarRefused(why="too_many", most=MOST)
        made = BusyCalendar(
            id=uuid.uuid4(), expert_id=expert_id, name=name, shown=shown(address),
            sealed=b"", worked_out_at=now, good_at=now, next_read_at=_next(tx.now), made_at=tx.now, why="",
        )  # fmt: skip
        made.sealed = seal(source.secret_key, AT_REST, made.id, address, tx.now)
        _say(made, said)
        tx.session.add(made)
        write_audit(tx, actor_id=actor.person_id, act="busy_calendar.added", subject=f"expert:{expert_id}",
                    reason=made.shown)  # fmt: skip
        tx.announce(CalendarChanged(expert_id))
        return made


def rename_busy_calendar(db: Database, actor: Actor, *, calendar_id: uuid.UUID, name: str) -> None:
    """Another name for it. NotFound, BusyCalendarRefused."""
    name = clean_line(name, 60)
    if not name:
        raise BusyCalendarRefused(why="name_missing")
    with db.transaction() as tx:
        _own(tx.session, actor, calendar_id).name = name


def remove_busy_calendar(db: Database, actor: Actor, *, calendar_id: uuid.UUID) -> None:
    """Forget it with its address; its times are free again. NotFound."""
    with db.transaction() as tx:
        locks.take(tx, calendar=_expert(actor))
        calendar = _own(tx.session, actor, calendar_id)
        write_audit(tx, actor_id=actor.person_id, act="busy_calendar.removed",
                    subject=f"expert:{calendar.expert_id}", reason=calendar.shown)  # fmt: skip
        tx.session.delete(calendar)
        tx.announce(CalendarChanged(calendar.expert_id))


def read_due(db: Database, source: Source, most: int = 40) -> int:
    """Read those whose turn it is, each once; how many were looked at."""
    with db.reading() as session:
        due = session.scalars(
            sa.select(BusyCalendar.id)
            .where(BusyCalendar.next_read_at <= db.clock())
            .order_by(BusyCalendar.next_read_at)
            .limit(most)
        ).all()
    for calendar_id in due:
        read_one(db, source, calendar_id)
    return len(due)


def read_own(db: Database, source: Source, expert_id: uuid.UUID) -> None:
    """Read an expert's calendars now, before they say yes or when they ask: each once, none begun after 15 s,
    since somebody waits."""
    ends = monotonic() + AT_ONCE
    with db.reading() as session:
        ids = [one.id for one in busy_calendars(session, expert_id)]
    for calendar_id in ids:
        if monotonic() < ends:
            read_one(db, source, calendar_id, tries=1)


def read_one(db: Database, source: Source, calendar_id: uuid.UUID, tries: int = 2) -> None:
    """Read a calendar and keep what it says, or since when it fails. Somebody else reading it: nothing."""
    with db.transaction() as tx:
        calendar = tx.session.get(BusyCalendar, calendar_id, with_for_update=True)
        if calendar is None or (calendar.reading_until and calendar.reading_until > tx.now):
            return
        calendar.reading_until = tx.now + LEASE
        address = unseal(source.secret_key, AT_REST, calendar.id, calendar.sealed, at=tx.now) or ""
        zone = tx.session.get_one(Calendar, calendar.expert_id).zone
        fresh = tx.now - calendar.worked_out_at < ANEW
        etag, modified = (calendar.etag, calendar.last_modified) if fresh else ("", "")
        now = tx.now
    said, failed = _tried(source, tries, address, zone=zone, now=now, etag=etag, last_modified=modified)
    with db.transaction() as tx:
        calendar = tx.session.get(BusyCalendar, calendar_id, with_for_update=True)
        if calendar is None:
            return
        calendar.reading_until = None
        calendar.next_read_at = _next(tx.now)
        if failed is not None:
            _note_failure(tx, calendar, failed)
        else:
            _note_success(tx, calendar, said, now)


def _tried(
    source: Source, tries: int, address: str, **asked: Any
) -> tuple[Busy | None, CalendarUnread | None]:
    """Again where the first failure may have been a hiccup: nobody is written to for one lost packet."""
    try:
        return source.read(address, **asked), None
    except CalendarUnread as unread:
        if tries == 1 or not unread.passing:
            return None, unread
    return _tried(source, tries - 1, address, **asked)


def _note_failure(tx: Tx, calendar: BusyCalendar, failed: CalendarUnread) -> None:
    first = calendar.failed_since is None
    calendar.why = failed.why
    if first:
        calendar.failed_since = tx.now
        tx.announce(BusyCalendarFailing(calendar.id))


def _note_success(tx: Tx, calendar: BusyCalendar, said: Busy | None, now: datetime) -> None:
    calendar.good_at = now
    if calendar.failed_since is not None:
        calendar.failed_since, calendar.why = None, ""
        tx.announce(BusyCalendarReadAgain(calendar.id))
    if said is not None:
        before = _digest(calendar)
        calendar.worked_out_at = now
        _say(calendar, said)
        if _digest(calendar) != before:
            tx.announce(CalendarChanged(calendar.expert_id))


def _say(calendar: BusyCalendar, said: Busy) -> None:
    calendar.busy = [Range(start, end, bounds="[)") for start, end in said.times]
    calendar.unreadable, calendar.etag, calendar.last_modified = (
        said.unreadable,
        said.etag,
        said.last_modified,
    )


def _digest(calendar: BusyCalendar) -> str:
    return hashlib.sha256(repr([(one.lower, one.upper) for one in calendar.busy]).encode()).hexdigest()


def in_the_way(session: Session, expert_id: uuid.UUID, slot: Interval) -> list[str]:
    """The names of the calendars that are busy during a session, in order."""
    return sorted({name for _during, name in busy_named(session, expert_id, slot)})


def shown(address: str) -> str:
    """What may be seen of an address: its host and its last four signs."""
    return f"{urlsplit(address).hostname or ''} … {address.rstrip('/')[-4:]}"


def _as_https(address: str) -> str:
    """Calendar programs hand out webcal addresses; those are https ones."""
    address = address.strip()
    kind, colon, rest = address.partition("://")
    return f"https://{rest}" if colon and kind.lower() in ("webcal", "webcals") else address


def _next(now: datetime) -> datetime:
    # Spread, so that a thousand calendars added in one hour are not read in one minute for ever.
    return now + EVERY + JITTER * random.random()  # noqa: S311


def _expert(actor: Actor) -> uuid.UUID:
    if actor.expert_id is None:
        raise NotFound
    return actor.expert_id


def _own(session: Session, actor: Actor, calendar_id: uuid.UUID) -> BusyCalendar:
    calendar = session.get(BusyCalendar, calendar_id, with_for_update=True)
    if calendar is None or calendar.expert_id != actor.expert_id:
        raise NotFound
    return calendar
