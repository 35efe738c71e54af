"""Bookings as operators see them: all of them, the entries behind every cent, and the stop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import g, redirect, render_template, request, url_for

from ...domain.bookings import State, may_refund_after
from ...domain.errors import NotFound, Refusal
from ...services import bookings, ledger
from ...services.bookings.reading import BookingPage, list_bookings
from ...services.chargebacks import chargebacks_about
from ...services.disputes import kinds_open
from ...services.moderation.books import Named
from ..access import rule
from ..cursor import read_cursor, write_cursor
from ..forms import form_token, posted_token
from ..house import house
from ..language import current_zone_name
from ..one_booking import load
from ..refusals import sentence
from ..timeline import timeline
from . import blueprint

STATES = tuple(one.value for one in State)
STOPPABLE = frozenset({"held", "awaiting_approval", "requested", "accepted"})


@blueprint.get("/bookings", endpoint="bookings")
@rule("operator.bookings")
def bookings_list() -> str:
    """All bookings, newest first; by state, or by number, name, company or title."""
    state = request.args.get("state", "")
    text = request.args.get("q", "")[:100]
    states = (state,) if state in STATES else ()
    with house().db.reading() as session:
        listed = list_bookings(
            session, states=states, text=text, after=read_cursor(request.args.get("after"))
        )
    after = write_cursor(listed.after) if listed.after else None
    return render_template(
        "operator/bookings.html", listed=listed, zone=current_zone_name(), state=state, text=text,
        states=STATES,
        next_url=url_for("operator.bookings", after=after, state=state, q=text) if after else None,
    )  # fmt: skip


@blueprint.get("/bookings/<reference>")
@rule("operator.bookings")
def booking(reference: str) -> Any:
    """One booking with its money, entry by entry."""
    return _page(reference)


def _page(reference: str, *, error: str = "") -> Any:
    page = load(reference, "operator.bookings")
    now = house().clock()
    with house().db.reading() as session:
        groups = ledger.entries_of(session, page.booking.id)
        names = _names(page)
        contested = chargebacks_about(session, page.booking.id)
        kinds = kinds_open(session, page.booking, "operator", now)
    can = "cancel" if page.booking.state == "confirmed" and now < page.booking.ends_at else ""
    if page.booking.state in STOPPABLE:
        can = "stop"
    answer = render_template(
        "operator/booking.html", page=page, now=now, zone=current_zone_name(), groups=groups, names=names,
        contested=contested,
        standing=ledger.standing_of(groups), can=can,
        items=timeline(page, side="operator", now=now), error=error, typed=request.form, token=form_token(),
        report_kinds=kinds, can_refund=may_refund_after(page.booking.state, page.booking.share_posted_at is not None),
    )  # fmt: skip
    return (answer, 422) if error else answer


def _names(page: BookingPage) -> Mapping[str, Named]:
    """Whose the accounts of this one booking are; the two sides also by their side."""
    company, expert = Named(page.company.name), Named(page.expert_person.name)
    return {
        str(page.booking.id): Named(page.booking.number), str(page.booking.expert_id): expert,
        str(page.company.id): company, "company": company, "expert": expert,
    }  # fmt: skip


@blueprint.post("/bookings/<reference>/stop")
@rule("booking.stop")
def stop(reference: str) -> Any:
    """Call a booking off, with a reason both sides read: released before, refunded whole after confirmation."""
    page = load(reference, "booking.stop")
    reason, token = request.form.get("reason", ""), posted_token()
    try:
        if page.booking.state == "confirmed":
            bookings.cancel(
                house().db, g.actor, booking_id=page.booking.id, side="operator", reason=reason,
                expected_minor=None, token=token,
            )  # fmt: skip
        else:
            bookings.stop(house().db, g.actor, booking_id=page.booking.id, reason=reason, token=token)
    except NotFound:
        raise
    except Refusal as refusal:
        return _page(reference, error=sentence(refusal))
    return redirect(url_for("operator.booking", reference=reference), 303)
