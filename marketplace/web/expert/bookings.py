"""One session from the expert's side: read the brief, accept, decline, call off, rate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Response, g, redirect, render_template, request, url_for

from ...domain.errors import MoveNotOpen, NotFound, Refusal, ReviewClosed
from ...services import availability, bookings
from ...services.bookings.answering import DECLINE_REASONS, EXPERT_DOCUMENTS
from ...services.disputes import kinds_open
from ...services.questions import answers_for
from ...services.reviews import EXPERT_MARKS, review_closed, send_review
from ...storage.bookings import Booking
from ..access import rule
from ..calendar_file import invitation_file
from ..forms import form_token, posted_token
from ..house import house
from ..language import current_zone_name
from ..one_booking import load
from ..refusals import sentence
from ..reschedule import other_time
from ..reviews import ExpertReviewForm
from ..timeline import timeline
from . import blueprint
from .calendars import source


@blueprint.get("/bookings/<reference>")
@rule("booking.view_as_expert")
def booking(reference: str) -> Any:
    """The brief, the answer to give, what happened and what comes."""
    return _page(reference)


def _page(reference: str, *, error: str = "", asked: str = "", busy: Sequence[str] = ()) -> Any:
    page = load(reference, "booking.view_as_expert")
    now = house().clock()
    with house().db.reading() as session:
        closed = review_closed(session, page.booking, "expert", now)
        questions = answers_for(session, page.booking)
        other = other_time(session, page, now)
        kinds = kinds_open(session, page.booking, "expert", now)
    answer = render_template(
        "expert/booking.html",
        page=page,
        now=now,
        zone=current_zone_name(page.calendar_zone),
        items=timeline(page, side="expert", now=now),
        can_review=closed is None,
        questions=questions,
        other=other,
        report_kinds=kinds,
        reasons=DECLINE_REASONS,
        typed=request.form,
        error=error,
        asked=asked,
        busy=busy,
        token=form_token(),
    )
    return (answer, 422) if error else answer


@blueprint.post("/bookings/<reference>/accept")
@rule("booking.accept")
def accept(reference: str) -> Any:
    """Say yes, with the declarations and the place."""
    page = load(reference, "booking.accept")
    documents = tuple(name for name in EXPERT_DOCUMENTS if request.form.get(name))
    busy = () if request.form.get("knows_busy") else _in_the_way(page.booking)
    if busy:
        return _page(reference, asked="accept", busy=busy), 409
    try:
        bookings.accept(
            house().db, g.actor, booking_id=page.booking.id, accepted=documents,
            place=request.form.get("place", ""), token=posted_token(), address=request.remote_addr or "",
        )  # fmt: skip
    except NotFound:
        raise
    except Refusal as refusal:
        return _page(reference, error=sentence(refusal), asked="accept")
    return redirect(url_for("expert.booking", reference=reference), 303)


@blueprint.post("/bookings/<reference>/decline")
@rule("booking.decline")
def decline(reference: str) -> Any:
    """Say no, with a reason the buyer reads."""
    page = load(reference, "booking.decline")
    try:
        bookings.decline(
            house().db, g.actor, booking_id=page.booking.id, reason=request.form.get("reason", ""),
            words=request.form.get("words", ""), token=posted_token(),
        )  # fmt: skip
    except NotFound:
        raise
    except Refusal as refusal:
        return _page(reference, error=sentence(refusal), asked="decline")
    return redirect(url_for("expert.booking", reference=reference), 303)


@blueprint.route("/bookings/<reference>/cancel", methods=["GET", "POST"])
@rule("booking.cancel_as_expert")
def cancel(reference: str) -> Any:
    """Call a confirmed session off: the buyer gets everything back, and it is counted."""
    page = load(reference, "booking.cancel_as_expert")
    now = house().clock()
    over = page.booking.state != "confirmed" or now >= page.booking.starts_at
    if over and request.method != "POST":
        return redirect(url_for("expert.booking", reference=reference), 303)
    error = ""
    if request.method == "POST":
        try:
            bookings.cancel(
                house().db, g.actor, booking_id=page.booking.id, side="expert",
                reason=request.form.get("reason", ""), expected_minor=None, token=posted_token(),
            )  # fmt: skip
            return redirect(url_for("expert.booking", reference=reference), 303)
        except (NotFound, MoveNotOpen):
            raise  # Too late: said so, never an answer as if it had been done.
        except Refusal as refusal:
            error = sentence(refusal)
    return render_template(
        "expert/cancel.html", page=page, now=now, zone=current_zone_name(page.calendar_zone),
        refund=bookings.refund_if_cancelled(page.booking, "expert", now), error=error, token=form_token(),
        typed=request.form,
    ), 422 if error else 200  # fmt: skip


@blueprint.route("/bookings/<reference>/review", methods=["GET", "POST"])
@rule("booking.review_as_expert")
def review(reference: str) -> Any:
    """Rate the buyer, once; neither side reads the other's first."""
    page = load(reference, "booking.review_as_expert")
    with house().db.reading() as session:
        closed = review_closed(session, page.booking, "expert", house().clock())
    form = ExpertReviewForm()
    if closed is None and form.validate_on_submit():
        try:
            send_review(house().db, g.actor, booking_id=page.booking.id, side="expert", answers=form.data)
        except ReviewClosed:
            closed = "sent"
        else:
            closed = "sent"
    if closed is not None:
        return redirect(url_for("expert.booking", reference=reference), 303)
    return render_template(
        "expert/review.html",
        page=page,
        form=form,
        marks=EXPERT_MARKS,
        zone=current_zone_name(page.calendar_zone),
    ), 422 if request.method == "POST" else 200


@blueprint.get("/bookings/<reference>/invitation.ics")
@rule("booking.view_as_expert")
def invitation(reference: str) -> Response:
    """The expert's own calendar file, with only themselves as attendee."""
    return invitation_file(load(reference, "booking.view_as_expert"), "expert")


def _in_the_way(booking: Booking) -> Sequence[str]:
    """The expert's calendars that are busy during this session, read again before they say yes."""
    if booking.state != "requested":
        return ()
    availability.read_own(house().db, source(), booking.expert_id)
    with house().db.reading() as session:
        return availability.in_the_way(session, booking.expert_id, (booking.starts_at, booking.ends_at))
