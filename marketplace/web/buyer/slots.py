"""Picking a slot: a week of radios in the reader's zone, the expert's clock beside it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import g, redirect, render_template, request, url_for

from ...domain.availability import open_windows
from ...domain.errors import SlotNotOffered, SlotTaken
from ...services import bookings
from ...services.bookings.approving import shown_to
from ...services.bookings.holding import Free, free_for_offer
from ..access import door_offer, rule
from ..forms import form_token
from ..house import house
from ..language import current_zone_name
from ..refusals import sentence
from . import blueprint
from .pay import platform_tax

Slot = dict[str, Any]


@blueprint.get("/offers/<slug>/slots")
@rule("public")
def slots(slug: str) -> str:
    """A week of the offer's free slots; without one asked for, the first week that has any."""
    return _page(slug, _asked_week())


@blueprint.post("/offers/<slug>/slots")
@rule("booking.hold")
def hold(slug: str) -> Any:
    """Hold the chosen slot; the loser of a race sees the same page with the nearest three."""
    start = _instant(request.form.get("slot", ""))
    if start is None:
        return _page(slug, _asked_week(), error="choose"), 422
    offer = door_offer(slug)
    try:
        made = bookings.hold(
            house().db,
            g.actor,
            offer_id=offer.id,
            start=start,
            format=request.form.get("format", ""),
            token=request.form.get("token", "")[:64],
        )
    except (SlotTaken, SlotNotOffered) as refusal:
        return _page(slug, _monday(start), lost=refusal), 409
    return redirect(url_for("buyer.brief", reference=made.reference), 303)


def _page(
    slug: str, monday: date | None, *, error: str = "", lost: SlotTaken | SlotNotOffered | None = None
) -> str:
    offer = door_offer(slug)
    now = house().clock()
    with house().db.reading() as session:
        free = free_for_offer(session, offer.id, window=(now, now + timedelta(days=61)), now=now)
        since = shown_to(session, g.actor, free.wanted, platform_tax(), now)
    if since is not None:
        free = replace(free, slots=[slot for slot in free.slots if slot[0] >= since])
    zone = current_zone_name(free.wanted.calendar.zone)
    monday = monday or _first_week(free, zone, now)
    return render_template(
        "buyer/slots.html",
        free=free,
        offer=free.wanted.offer,
        version=free.wanted.version,
        expert=free.wanted.expert,
        expert_person=free.wanted.person,
        zone=zone,
        other_zone=free.wanted.calendar.zone,
        days=_days(free, monday, zone, now, lost),
        monday=monday,
        previous=monday - timedelta(days=7) if monday > now.astimezone(ZoneInfo(zone)).date() else None,
        following=monday + timedelta(days=7) if monday < (now + timedelta(days=60)).date() else None,
        next_free=_next_free(free, monday, zone),
        picked=request.form.get("slot") or request.args.get("slot"),
        format=request.form.get("format") or request.args.get("format") or "remote",
        token=form_token(),
        error=error,
        lost=_nearest(lost, since) if lost else None,
        asked_first=since is not None,
        lost_words=sentence(lost) if lost else "",
    )


def _nearest(lost: SlotTaken | SlotNotOffered, since: datetime | None) -> dict[str, Any]:
    """The refusal's facts, without slots that would leave an approver no time."""
    nearest = [slot for slot in lost.facts["nearest"] if since is None or slot[0] >= since]
    return lost.facts | {"nearest": nearest}


def _asked_week() -> date | None:
    text = request.values.get("week", "")
    try:
        return _monday_of(date.fromisoformat(text))
    except ValueError:
        return None


def _instant(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else None


def _monday_of(day: date) -> date:
    return day - timedelta(days=day.isoweekday() - 1)


def _monday(start: datetime) -> date:
    return _monday_of(start.astimezone(ZoneInfo(current_zone_name())).date())


def _first_week(free: Free, zone: str, now: datetime) -> date:
    first = free.slots[0][0] if free.slots else now
    return _monday_of(first.astimezone(ZoneInfo(zone)).date())


def _days(
    free: Free, monday: date, zone: str, now: datetime, lost: SlotTaken | SlotNotOffered | None
) -> list[dict[str, Any]]:
    place = ZoneInfo(zone)
    by_day: dict[date, list[Slot]] = {monday + timedelta(days=n): [] for n in range(7)}
    shown = [(start, end, False) for start, end in free.slots]
    if lost and lost.facts["slot"][:1] and (lost.facts["slot"] not in free.slots):
        shown.append((*lost.facts["slot"], True))
    for start, end, taken in sorted(shown):
        day = start.astimezone(place).date()
        if day in by_day:
            by_day[day].append({"value": start.isoformat(), "start": start, "end": end, "taken": taken})
    return [
        {"date": day, "slots": found, "why": _why_empty(free, day, place, now)}
        for day, found in by_day.items()
    ]


def _why_empty(free: Free, day: date, place: ZoneInfo, now: datetime) -> str:
    """Why a day may have no slot: the expert does not work then, it is too soon, or it is full."""
    begin = datetime.combine(day, time(0), place)
    end = begin + timedelta(days=1)
    if not open_windows(free.rules, (begin, end)):
        return "closed"
    return "soon" if end <= now + free.rules.notice else "full"


def _next_free(free: Free, monday: date, zone: str) -> date | None:
    after = datetime.combine(monday + timedelta(days=7), time(0), ZoneInfo(zone))
    return next(
        (start.astimezone(ZoneInfo(zone)).date() for start, _end in free.slots if start >= after), None
    )
