"""What waits for the expert, their week, and where their money is."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from ...domain.availability import DAY
from ...services.availability import busy_calendars, hours_of
from ...services.bookings.reading import list_bookings
from ...services.enquiries import invitations_waiting
from ...services.offers.figures import figures
from ...services.payouts import money_sums
from ...services.questions import questions_to_answer
from ...services.queues import asked_to_answer
from ...services.sessions import home_facts, next_slots_of, week_of
from ..access import rule
from ..cursor import read_cursor, write_cursor
from ..house import house
from ..language import current_zone_name
from ..rulers import Part, parts_of
from . import blueprint
from .money import year_begin
from .week import week_view


@blueprint.get("/")
@rule("expert.home")
def home() -> Any:
    """To do, the week, the next session, money in three lines, how the offers do. Applicants have their list."""
    if g.actor.applying:
        return redirect(url_for("expert.application"), 303)
    now, expert_id = house().clock(), g.actor.expert_id
    with house().db.reading() as session:
        zone = current_zone_name(hours_of(session, expert_id).zone)
        today = now.astimezone(ZoneInfo(zone)).date()
        monday = _monday(today)
        week = week_of(session, expert_id, monday, zone)
        facts = home_facts(session, expert_id, now)
        return render_template(
            "expert/home.html",
            facts=facts,
            questions=questions_to_answer(session, expert_id),
            invitations=invitations_waiting(session, expert_id),
            asked=asked_to_answer(session, expert_id),
            failing=[one for one in busy_calendars(session, expert_id) if one.failed_since],
            course=_course(facts.coming),
            week=week_view(week, now),
            monday=monday,
            sunday=monday + 6 * DAY,
            previous=monday - 7 * DAY,
            following=monday + 7 * DAY,
            year=today.year,
            next_slots=next_slots_of(session, expert_id, now),
            money=money_sums(session, expert_id, year_begin(now, zone)),
            offers=figures(session, expert_id, now),
            now=now,
            zone=zone,
        )


def _course(coming: Any) -> list[Part]:
    """The next session's parts, as the expert calls them."""
    if coming is None:
        return []
    names = {"case": _("Their case"), "story": _("Your story"), "work": _("Work on their case")}
    minutes = (coming.ends_at - coming.starts_at) // timedelta(minutes=1)
    return [part._replace(name=names.get(part.kind, "")) for part in parts_of(minutes)]


def _monday(today: date) -> date:
    """The week asked for, or this one; a date nobody plans by counts as none."""
    try:
        asked = date.fromisoformat(request.args.get("week", ""))
    except ValueError:
        asked = today
    if abs(asked - today) > timedelta(days=3660):
        asked = today
    return asked - DAY * asked.weekday()


@blueprint.get("/bookings", endpoint="bookings")
@rule("expert.home")
def bookings_list() -> str:
    """All sessions asked of this expert, newest first."""
    with house().db.reading() as session:
        listed = list_bookings(
            session, expert_id=g.actor.expert_id, after=read_cursor(request.args.get("after"))
        )
    return render_template(
        "expert/bookings.html",
        listed=listed,
        zone=current_zone_name(),
        next_url=url_for("expert.bookings", after=write_cursor(listed.after)) if listed.after else None,
    )
