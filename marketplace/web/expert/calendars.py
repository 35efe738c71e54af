"""Calendars kept elsewhere, public holidays, and what a buyer sees of a day in their own zone."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from ...domain.availability import COUNTS_FOR
from ...domain.errors import BusyCalendarRefused, HolidaysUnknown
from ...services import availability
from ...services.availability import Source
from ...storage.availability import Calendar
from ..access import rule
from ..formats.places import country_name
from ..formats.speech import lang
from ..house import house
from ..language import current_zone_name, zones
from ..refusals import sentence
from . import blueprint

# Two cities that show what a zone does, beside the reader's own.
EXAMPLES = ("Europe/Paris", "Asia/Singapore")


def source() -> Source:
    """How calendars are read here."""
    return Source(house().calendars, house().config.secret_key)


@blueprint.get("/calendars")
@rule("expert.hours")
def calendars() -> Any:
    """What is read, how each stands, and the holidays kept."""
    return _page()


def _page(
    error: BusyCalendarRefused | None = None, renaming: uuid.UUID | None = None, holidays_error: str = ""
) -> Any:
    now = house().clock()
    with house().db.reading() as session:
        kept = availability.busy_calendars(session, g.actor.expert_id)
        own = session.get_one(Calendar, g.actor.expert_id)
        lines = [(one, availability.busy_time(one, now)) for one in kept]
    country = request.values.get("country", own.holidays_of)
    answer = render_template(
        "expert/calendars.html",
        lines=lines,
        most=availability.MOST,
        counts_for=COUNTS_FOR,
        reasons={one.id: sentence(BusyCalendarRefused(why=one.why)) for one in kept if one.failed_since},
        error=error,
        error_words=sentence(error) if error else "",
        renaming=renaming,
        holidays_error=holidays_error,
        typed=request.form,
        own=own,
        country=country,
        countries=_countries(),
        regions=house().holidays.regions(country),
        days=_days(own),
        now=now,
        zone=current_zone_name(own.zone),
    )
    return (answer, 422) if error or holidays_error else answer


def _countries() -> list[tuple[str, str]]:
    return sorted(
        ((code, country_name(code)) for code in house().holidays.countries()), key=lambda one: one[1]
    )


def _days(own: Calendar) -> list[tuple[date, str, bool]]:
    """The holidays of the next year, with whether a dated rule says otherwise."""
    today = house().clock().astimezone(ZoneInfo(own.zone)).date()
    known = house().holidays.days(own.holidays_of, own.holidays_region, today.year, today.year + 1, lang())
    ruled = {row["day"] for row in own.dated}
    return [
        (day, name, day.isoformat() in ruled)
        for day, name in known.items()
        if today <= day < today + timedelta(days=366)
    ]


@blueprint.post("/calendars")
@rule("expert.hours")
def add_calendar() -> Any:
    """Read the calendar at an address, and keep it where that worked."""
    try:
        made = availability.add_busy_calendar(
            house().db, source(), g.actor, name=request.form.get("name", "")[:200],
            address=request.form.get("address", "")[:2100],
        )  # fmt: skip
    except BusyCalendarRefused as refusal:
        return _page(refusal)
    flash(_("“%(name)s” was read. What it says is busy is no longer offered.", name=made.name))
    return redirect(url_for("expert.calendars"), 303)


@blueprint.post("/calendars/<uuid:calendar_id>/rename")
@rule("expert.hours")
def rename_calendar(calendar_id: uuid.UUID) -> Any:
    """Another name for it."""
    try:
        name = request.form.get("name", "")[:200]
        availability.rename_busy_calendar(house().db, g.actor, calendar_id=calendar_id, name=name)
    except BusyCalendarRefused as refusal:
        return _page(refusal, calendar_id)
    return redirect(url_for("expert.calendars"), 303)


@blueprint.post("/calendars/<uuid:calendar_id>/remove")
@rule("expert.hours")
def remove_calendar(calendar_id: uuid.UUID) -> Any:
    """Forget it and its address."""
    availability.remove_busy_calendar(house().db, g.actor, calendar_id=calendar_id)
    flash(_("The calendar is removed and its address forgotten."))
    return redirect(url_for("expert.calendars"), 303)


@blueprint.post("/calendars/read")
@rule("expert.hours")
def read_calendars() -> Any:
    """Read all of them now."""
    availability.read_own(house().db, source(), g.actor.expert_id)
    return redirect(url_for("expert.calendars"), 303)


@blueprint.post("/calendars/holidays")
@rule("expert.hours")
def holidays() -> Any:
    """Keep the public holidays of a country or region; another country first shows its regions."""
    country, region = request.form.get("country", "")[:2], request.form.get("region", "")[:20]
    if "show" in request.form:
        return redirect(url_for("expert.calendars", country=country, _anchor="holidays"), 303)
    if (
        region in dict(house().holidays.regions(request.form.get("shown", "")[:2]))
        and country != request.form["shown"]
    ):
        region = ""  # Without a script the regions shown are those of the country chosen before.
    try:
        availability.keep_holidays(house().db, house().holidays, g.actor, country=country, region=region)
    except HolidaysUnknown as refusal:
        return _page(holidays_error=sentence(refusal))
    flash(_("Your public holidays are kept."))
    return redirect(url_for("expert.calendars", _anchor="holidays"), 303)


@blueprint.get("/seen")
@rule("expert.hours")
def seen() -> Any:
    """A day as a buyer in a zone sees it, and for every hour why it is not offered."""
    now = house().clock()
    zone = request.args.get("zone", "")
    if zone not in zones():
        zone = current_zone_name(EXAMPLES[0])
    today = now.astimezone(ZoneInfo(zone)).date()
    day = _day(request.args.get("day", ""), today)
    with house().db.reading() as session:
        choices = availability.terms_of(session, g.actor.expert_id)
        wanted = request.args.get("offer", "")
        terms = next((one for one in choices if str(one.offer_id) == wanted), choices[0])
        stretches = availability.day_seen(session, g.actor.expert_id, terms, day=day, zone=zone, now=now)
        own = session.get_one(Calendar, g.actor.expert_id)
    return render_template(
        "expert/seen.html",
        stretches=stretches,
        choices=choices,
        terms=terms,
        length=timedelta(minutes=terms.minutes),
        day=day,
        today=today,
        before=day - timedelta(days=1) if day > today else None,
        after=day + timedelta(days=1),
        zone=zone,
        own_zone=own.zone,
        here=ZoneInfo(own.zone),
        zones=sorted({*zones(), own.zone}),
        examples=[one for one in EXAMPLES if one != zone],
    )


def _day(text: str, today: date) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return today + timedelta(days=2)
    return min(max(day, today), today + timedelta(days=90))
