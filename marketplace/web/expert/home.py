"""What waits for the expert, the coming sessions, and where their money is."""

from __future__ import annotations

from flask import g, render_template, request, url_for

from ...services.bookings.reading import list_bookings
from ...services.payouts import expert_money
from ...services.sessions import home_facts, sessions_of
from ..access import rule
from ..cursor import read_cursor, write_cursor
from ..house import house
from ..language import current_zone_name
from . import blueprint


@blueprint.get("/")
@rule("expert.home")
def home() -> str:
    """To do, today and the week, money in one line, reviews to write."""
    now = house().clock()
    with house().db.reading() as session:
        facts = home_facts(session, g.actor.expert_id, now)
    return render_template("expert/home.html", facts=facts, now=now, zone=current_zone_name())


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


@blueprint.get("/money")
@rule("expert.home")
def money() -> str:
    """Held, due, transferred: when, and why not yet."""
    now = house().clock()
    with house().db.reading() as session:
        found = expert_money(session, g.actor.expert_id)
        sessions = sessions_of(session, [row.subject for row in found.rows])
    return render_template(
        "expert/money.html", money=found, sessions=sessions, now=now, zone=current_zone_name()
    )
