"""Weekly hours and dated exceptions: one form whose rows come and go by buttons, and what a buyer then sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from ...domain.errors import DraftSavedElsewhere, HoursRefused
from ...domain.hours import (
    GRIDS,
    NUMBERS,
    Hours,
    Problem,
    Typed,
    as_typed,
    fingerprint,
    past_midnight,
    read_clock,
    read_hours,
)
from ...services.availability import hours_of, save_hours, usual_length, week_ahead
from ...storage.experts import Expert
from ..access import rule
from ..formats.times import weekday_name
from ..house import house
from ..language import current_zone_name, zones
from ..refusals import sentence
from . import blueprint

LENGTHS = (180, 210, 240)
WEEKDAYS = (1, 2, 3, 4, 5)
# What a form may bring at most before it is read: rows beyond are a mistake, not hours.
MOST_ROWS = 400
# Rows come and go by these buttons: the list each one changes.
_LISTS = ("weekly", "away", "other")
_DAYS = tuple("1234567")


@blueprint.route("/hours", methods=["GET", "POST"])
@rule("expert.hours")
def hours() -> Any:
    """The form; every button posts all of it, so nothing typed is lost. Also while applying."""
    with house().db.reading() as session:
        kept = hours_of(session, g.actor.expert_id)
    if request.method == "GET":
        return _page(kept, as_typed(kept, _today(kept.zone)))
    typed = _typed(request.form)
    changed = _rows_changed(typed, request.form)
    if changed is not None:
        return _page(kept, changed)
    if "show" in request.form:
        return _page(kept, typed, _problems(typed))
    wrong = _problems(typed)
    if wrong:
        return _page(kept, typed, wrong), 422
    if typed.zone != kept.zone and request.form.get("zone_seen") != typed.zone:
        return _page(kept, typed, moving=True)
    try:
        save_hours(house().db, g.actor, typed=typed, seen=request.form.get("seen"))
    except DraftSavedElsewhere as refusal:
        return _page(kept, typed, elsewhere=sentence(refusal)), 409
    except HoursRefused as refusal:
        return _page(kept, typed, refusal.facts["problems"]), 422
    flash(_("Your hours are kept. Sessions already booked stay where they are."))
    return redirect(url_for("expert.hours", minutes=_minutes(LENGTHS[0])), 303)


def _page(
    kept: Hours, typed: Typed, wrong: Sequence[Problem] = (), *, moving: bool = False, elsewhere: str = ""
) -> str:
    now, zone = house().clock(), current_zone_name(kept.zone)
    try:
        shown, fits = read_hours(typed, now), True
    except HoursRefused:
        shown, fits = kept, False
    today = _today(kept.zone)
    with house().db.reading() as session:
        minutes = _minutes(usual_length(session, g.actor.expert_id))
        monday = _next_monday(zone)
        payable = session.get_one(Expert, g.actor.expert_id).account_status == "active"
        week = week_ahead(
            session, g.actor.expert_id, shown, minutes=minutes, monday=monday, zone=zone, now=now
        )
    return render_template(
        "expert/hours.html",
        kept=kept,
        typed=typed,
        rows=_rows_by_day(typed),
        overnight=_overnight(typed),
        errors={one.row: sentence(HoursRefused(why=one.why, **one.facts)) for one in wrong},
        places={one.row: _place(one.row, typed) for one in wrong},
        moving=moving,
        elsewhere=elsewhere,
        # A form that goes on being filled in still stands on the hours it was made from.
        seen=fingerprint(kept) if elsewhere else request.form.get("seen", fingerprint(kept)),
        zone=zone,
        zones=sorted({*zones(), kept.zone}),
        now=now,
        today=today,
        numbers=NUMBERS,
        grids=GRIDS,
        lengths=LENGTHS,
        minutes=minutes,
        monday=monday,
        week=week,
        payable=payable,
        fits=fits,
        unsaved=as_typed(shown, today) != as_typed(kept, today),
    )


def _typed(form: MultiDict[str, str]) -> Typed:
    """The rows as they were sent; fields of one row stand at the same place in their lists."""

    def column(name: str) -> list[str]:
        return [text[:40] for text in form.getlist(name)[:MOST_ROWS]]

    weekly = zip(column("weekly_day"), column("weekly_start"), column("weekly_end"), strict=False)
    return Typed(
        zone=form.get("zone", "")[:64],
        weekly=tuple((int(day) if day in _DAYS else 0, start, end) for day, start, end in weekly),
        away=tuple(zip(column("away_first"), column("away_last"), strict=False)),
        other=tuple(zip(column("other_day"), column("other_start"), column("other_end"), strict=False)),
        numbers={name: form.get(name, "")[:20] for name in NUMBERS},
    )


def _rows_changed(typed: Typed, form: Mapping[str, str]) -> Typed | None:
    """The form with a row more or less, or a day copied; None when no such button was pressed."""
    add, take, copy = form.get("add", ""), form.get("remove", ""), form.get("copy", "")
    if add == "away":
        return replace(typed, away=(*typed.away, ("", "")))
    if add == "other":
        return replace(typed, other=(*typed.other, ("", "", "")))
    if add in _DAYS:
        return replace(typed, weekly=(*typed.weekly, (int(add), "", "")))
    name, _dash, number = take.partition("-")
    if name in _LISTS:
        rows: dict[str, Any] = {name: _without(getattr(typed, name), number)}
        return replace(typed, **rows)
    if copy in _DAYS:
        source = [(start, end) for day, start, end in typed.weekly if day == int(copy) and (start or end)]
        others = [row for row in typed.weekly if row[0] not in WEEKDAYS or row[0] == int(copy)]
        copied = [(day, *each) for day in WEEKDAYS if day != int(copy) for each in source]
        return replace(typed, weekly=(*others, *copied))
    return None


def _without(rows: Sequence[Any], number: str) -> tuple[Any, ...]:
    return tuple(row for n, row in enumerate(rows) if str(n) != number)


def _problems(typed: Typed) -> Sequence[Problem]:
    try:
        read_hours(typed, house().clock())
    except HoursRefused as refusal:
        found: Sequence[Problem] = refusal.facts["problems"]
        return found
    return ()


def _place(row: str, typed: Typed) -> str:
    """Where a problem stands, in words: a weekday, a list, a field."""
    name, _dash, number = row.partition("-")
    if name == "weekly":
        return weekday_name(typed.weekly[int(number)][0] or 1).capitalize()
    return {
        "away": _("Days away"),
        "other": _("Other hours on a day"),
        "before_minutes": _("Free before"),
        "after_minutes": _("Free after"),
        "notice_hours": _("Notice"),
        "horizon_days": _("Bookable ahead"),
        "grid_minutes": _("Sessions begin every"),
        "per_day": _("Sessions a day, at most"),
        "per_week": _("Sessions a week, at most"),
        "zone": _("Your time zone"),
    }[name]


def _rows_by_day(typed: Typed) -> dict[int, list[tuple[int, str, str]]]:
    """Each weekday's rows with their place in the whole list; a day without any has none."""
    found: dict[int, list[tuple[int, str, str]]] = {day: [] for day in range(1, 8)}
    for n, (day, start, end) in enumerate(typed.weekly):
        found.get(day, found[1]).append((n, start, end))
    return found


def _overnight(typed: Typed) -> set[str]:
    """The rows that end on the next day, so that the page says it."""
    rows = [(f"weekly-{n}", row[1], row[2]) for n, row in enumerate(typed.weekly)]
    rows += [(f"other-{n}", row[1], row[2]) for n, row in enumerate(typed.other)]
    return {
        name
        for name, start, end in rows
        if (begin := read_clock(start)) and (finish := read_clock(end)) and past_midnight(begin, finish)
    }


def _minutes(usual: int) -> int:
    """The session length asked for; else the expert's usual one."""
    asked = request.values.get("show") or request.values.get("minutes", "")
    return int(asked) if asked in map(str, LENGTHS) else usual


def _today(zone: str) -> date:
    return house().clock().astimezone(ZoneInfo(zone)).date()


def _next_monday(zone: str) -> date:
    today = _today(zone)
    return today + timedelta(days=8 - today.isoweekday())
