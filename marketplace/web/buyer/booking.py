"""The lead's bookings: the list, one booking's page, withdrawing, cancelling, confirming."""

from __future__ import annotations

from typing import Any

from flask import g, redirect, render_template, request, url_for

from ...services import bookings
from ...services.bookings.reading import list_bookings
from ...services.disputes import kinds_open
from ...services.questions import answers_for
from ...services.reviews import review_closed
from ..access import door_booking, rule
from ..cursor import read_cursor, write_cursor
from ..forms import form_token, posted_token
from ..house import house
from ..language import current_zone_name
from ..one_booking import load
from ..reschedule import other_time
from ..timeline import timeline
from . import blueprint


@blueprint.get("/bookings", endpoint="bookings")
@rule("bookings.list_own")
def bookings_list() -> str:
    """Own bookings, newest first."""
    with house().db.reading() as session:
        listed = list_bookings(session, lead_id=g.me.id, after=read_cursor(request.args.get("after")))
    return render_template(
        "buyer/bookings.html",
        listed=listed,
        zone=current_zone_name(),
        next_url=url_for("buyer.bookings", after=write_cursor(listed.after)) if listed.after else None,
    )


@blueprint.get("/bookings/<reference>")
@rule("booking.view_as_buyer")
def booking(reference: str) -> str:
    """One booking: where it stands, what one can do, what happened and what comes."""
    page = load(reference, "booking.view_as_buyer")
    now = house().clock()
    with house().db.reading() as session:
        closed = review_closed(session, page.booking, "lead", now)
        questions = answers_for(session, page.booking)
        other = other_time(session, page, now)
        kinds = kinds_open(session, page.booking, "lead", now)
    return render_template(
        "buyer/booking.html",
        page=page,
        now=now,
        zone=current_zone_name(page.calendar_zone),
        items=timeline(page, side="lead", now=now),
        can_review=closed is None,
        questions=questions,
        other=other,
        report_kinds=kinds,
        token=form_token(),
    )


@blueprint.post("/bookings/<reference>/withdraw")
@rule("booking.withdraw")
def withdraw(reference: str) -> Any:
    """Take the request back before it is confirmed."""
    found = door_booking(reference, "booking.withdraw")
    bookings.withdraw(house().db, g.actor, booking_id=found.id, token=posted_token())
    return redirect(url_for("buyer.booking", reference=reference), 303)


@blueprint.post("/bookings/<reference>/confirm")
@rule("booking.confirm")
def confirm(reference: str) -> Any:
    """Say that the session was held, before the window passes."""
    found = door_booking(reference, "booking.confirm")
    bookings.confirm(house().db, g.actor, booking_id=found.id, token=posted_token())
    return redirect(url_for("buyer.review", reference=reference), 303)


@blueprint.route("/bookings/<reference>/cancel", methods=["GET", "POST"])
@rule("booking.cancel_as_lead")
def cancel(reference: str) -> Any:
    """Call it off: the refund is shown first, in dates and amounts."""
    page = load(reference, "booking.cancel_as_lead")
    now = house().clock()
    if request.method == "POST":
        bookings.cancel(
            house().db, g.actor, booking_id=page.booking.id, side="lead", reason=request.form.get("reason", ""),
            expected_minor=request.form.get("expected", type=int), token=posted_token(),
        )  # fmt: skip
        return redirect(url_for("buyer.booking", reference=reference), 303)
    if page.booking.state != "confirmed" or now >= page.booking.starts_at:
        return redirect(url_for("buyer.booking", reference=reference), 303)
    return render_template(
        "buyer/cancel.html",
        page=page,
        now=now,
        zone=current_zone_name(page.calendar_zone),
        refund=bookings.refund_if_cancelled(page.booking, "lead", now),
        token=form_token(),
    )
