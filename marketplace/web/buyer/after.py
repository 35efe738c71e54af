"""After the yes: invitation, receipt, review; and after a no: the same brief to another expert."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Response, g, redirect, render_template, request, url_for

from ...domain.errors import NotFound, Refusal, ReviewClosed
from ...services import bookings
from ...services.offers import offer_lines
from ...services.rescues import rescue_of
from ...services.reviews import LEAD_MARKS, review_closed, send_review
from ..access import rule
from ..calendar_file import invitation_file
from ..forms import form_token
from ..house import house
from ..language import current_zone_name
from ..one_booking import load
from ..refusals import sentence
from ..reviews import LeadReviewForm
from . import blueprint
from .pay import platform_tax


@blueprint.get("/bookings/<reference>/invitation.ics")
@rule("booking.view_as_buyer")
def invitation(reference: str) -> Response:
    """The lead's own calendar file, with only themselves as attendee."""
    return invitation_file(load(reference, "booking.view_as_buyer"), "lead")


@blueprint.route("/bookings/<reference>/review", methods=["GET", "POST"])
@rule("booking.review_as_lead")
def review(reference: str) -> Any:
    """Rate the session, once; the expert cannot read it before they have rated."""
    page = load(reference, "booking.review_as_lead")
    now = house().clock()
    with house().db.reading() as session:
        closed = review_closed(session, page.booking, "lead", now)
    if closed is not None:
        return redirect(url_for("buyer.booking", reference=reference), 303)
    form = LeadReviewForm()
    if form.validate_on_submit():
        try:
            send_review(house().db, g.actor, booking_id=page.booking.id, side="lead", answers=form.data)
        except ReviewClosed:
            return redirect(url_for("buyer.booking", reference=reference), 303)
        return redirect(url_for("buyer.booking", reference=reference), 303)
    status = 422 if request.method == "POST" else 200
    return render_template(
        "buyer/review.html",
        page=page,
        form=form,
        marks=LEAD_MARKS,
        zone=current_zone_name(page.calendar_zone),
    ), status


@blueprint.route("/bookings/<reference>/rescue", methods=["GET", "POST"])
@rule("booking.rescue")
def rescue(reference: str) -> Any:
    """The same brief to another expert: up to three offers, one click each."""
    page = load(reference, "booking.rescue")
    now = house().clock()
    error = ""
    if request.method == "POST":
        try:
            made = _pick(page.booking.id)
            return redirect(url_for("buyer.brief", reference=made.reference), 303)
        except NotFound:
            raise
        except Refusal as refusal:
            error = sentence(refusal)
    with house().db.reading() as session:
        found = rescue_of(session, page.booking.id)
        if found is None:  # Nothing was lost here.
            return redirect(url_for("buyer.booking", reference=reference), 303)
        # What was found while there was time; a start that has passed since is no choice any more.
        rows = [row for row in found.found if datetime.fromisoformat(str(row["start"])) > now]
        lines = offer_lines(session, [UUID(str(row["offer_id"])) for row in rows])
    choices = [
        {"offer": lines[UUID(str(row["offer_id"]))], "start": datetime.fromisoformat(str(row["start"])),
         "end": datetime.fromisoformat(str(row["end"]))}
        for row in rows if UUID(str(row["offer_id"])) in lines
    ]  # fmt: skip
    return render_template(
        "buyer/rescue.html", page=page, filled=found.filled_at is not None, choices=choices, now=now, error=error,
        zone=current_zone_name(page.calendar_zone), token=form_token(),
    ), 409 if error else 200  # fmt: skip


def _pick(booking_id: UUID) -> Any:
    form = request.form
    try:
        offer_id, start = UUID(form.get("offer", "")), datetime.fromisoformat(form.get("start", ""))
    except ValueError:
        raise NotFound from None
    return bookings.pick_same_brief(
        house().db, g.actor, booking_id=booking_id, offer_id=offer_id, start=start,
        token=form.get("token", "")[:64], platform=platform_tax(),
    )  # fmt: skip
