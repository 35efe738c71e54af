"""What a buyer sees of one day, hour by hour, and why the rest is not offered."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain.availability import Interval, why_not_offered
from ...domain.errors import NotFound
from ...domain.offers import is_instant
from ...storage.availability import Calendar
from ...storage.experts import Expert
from ...storage.offers import Offer, OfferVersion
from .busy import busy_named, stale_experts
from .reading import Claims, claims_of, rules_of

STEP = timedelta(minutes=30)


@dataclass(frozen=True)
class Terms:
    """An offer whose slots are looked at: minutes, notice in hours, whether it is an instant one."""

    offer_id: uuid.UUID | None
    title: str
    language: str
    minutes: int
    notice_hours: int
    instant: bool


@dataclass(frozen=True)
class Stretch:
    """Starts in a row with the same answer, first to last. why: "" (offered), or a reason of
    `why_not_offered`, or booked, busy (`names` are the calendars), holiday, away in the place of the general
    ones."""

    first: datetime
    last: datetime
    why: str
    names: tuple[str, ...] = ()


def terms_of(session: Session, expert_id: uuid.UUID) -> list[Terms]:
    """Their live offers, in order of age; three hours on request where there is none."""
    rows = session.execute(
        sa.select(Offer.id, OfferVersion.title, OfferVersion.language, OfferVersion.minutes,
                  OfferVersion.notice_hours, OfferVersion.instant)
        .join(OfferVersion, sa.and_(OfferVersion.offer_id == Offer.id, OfferVersion.live))
        .where(Offer.expert_id == expert_id, Offer.status == "live")
        .order_by(Offer.created_at, Offer.id)
        .limit(50)
    ).all()  # fmt: skip
    return [Terms(*row) for row in rows] or [Terms(None, "", "", 180, 0, False)]


def day_seen(
    session: Session, expert_id: uuid.UUID, terms: Terms, *, day: date, zone: str, now: datetime
) -> list[Stretch]:
    """All starts of a day in `zone`, every half hour and on the expert's own grid, with their answers.

    NotFound without a calendar.
    """
    calendar, expert = session.get(Calendar, expert_id), session.get(Expert, expert_id)
    if calendar is None or expert is None:
        raise NotFound
    stale = bool(stale_experts(session, [expert_id], now))
    instant = not stale and is_instant(terms.instant, expert.standing_since, expert.meeting_link)
    rules = rules_of(calendar, notice_hours=terms.notice_hours, instant=instant)
    length = timedelta(minutes=terms.minutes)
    begin, end = (
        datetime.combine(day + timedelta(days=n), time(), ZoneInfo(zone)).astimezone(UTC) for n in (0, 1)
    )
    around = (begin - rules.before, end + length + rules.after)
    named = busy_named(session, expert_id, around)
    claims = claims_of(session, [expert_id], min(now, begin))[expert_id]
    away = {one.day for one in rules.dated if not one.ranges}
    found: list[Stretch] = []
    for start in _starts(begin, end, min(STEP, rules.grid)):
        why = why_not_offered(
            rules, claims=[during for during, _own in claims], busy=[during for during, _name in named],
            length=length, start=start, now=now, starts=[own for _during, own in claims],
        ) or ""  # fmt: skip
        names: tuple[str, ...] = ()
        if why == "taken":
            why, names = _taken((start - rules.before, start + length + rules.after), claims, named)
        elif why == "hours":
            local = start.astimezone(ZoneInfo(rules.zone)).date()
            if local in away:
                dated = {row["day"] for row in calendar.dated}
                why = "away" if local.isoformat() in dated else "holiday"
        _add(found, start, why, names)
    return found


def _starts(begin: datetime, end: datetime, step: timedelta) -> Sequence[datetime]:
    return [begin + n * step for n in range(-(-(end - begin) // step))]


def _taken(
    padded: Interval, claims: Claims, named: Sequence[tuple[Interval, str]]
) -> tuple[str, tuple[str, ...]]:
    def meets(other: Interval) -> bool:
        return padded[0] < other[1] and other[0] < padded[1]

    if any(meets(during) for during, _own in claims):
        return "booked", ()
    return "busy", tuple(sorted({name for during, name in named if meets(during)}))


def _add(found: list[Stretch], start: datetime, why: str, names: tuple[str, ...]) -> None:
    """Join what has the same answer. A start off the grid between two offered ones says nothing of its own."""
    last = found[-1] if found else None
    if last is not None and (last.why, last.names) == (why, names):
        found[-1] = Stretch(last.first, start, why, names)
    elif last is not None and why == "grid":
        return
    else:
        found.append(Stretch(start, start, why, names))
