"""Another slot for a hold, another time for a made booking: the pages of both sides, each from where it stands."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flask import g, redirect, render_template, request, url_for
from sqlalchemy.orm import Session

from ..domain.errors import NotBookable, NotFound, Refusal, SlotNotOffered, SlotTaken
from ..domain.pricing import PlatformTax
from ..services import bookings, disputes
from ..services.bookings.approving import shown_to
from ..services.bookings.reading import BookingPage
from ..services.bookings.rescheduling import (
    AT_MOST,
    SECOND,
    Choice,
    other_slots,
    refund_now,
    slots_to_pick,
    why_not,
)
from ..services.bookings.wanted import wanted_offer
from ..storage.bookings import Booking, Proposal
from .forms import form_token, posted_token
from .house import house
from .language import current_zone_name
from .one_booking import load
from .refusals import sentence, status
from .slot_week import instant, week_view

ROOMS = {"lead": "buyer", "expert": "expert"}


@dataclass(frozen=True)
class OtherTime:
    """What a booking's page says of another time: the open proposal, whether one can be made, how many are left."""

    proposal: Proposal | None
    can_propose: bool
    left: int
    kind: str
    # What cancelling gives back now, in percent: the most that is left once a time the buyer asked for is accepted.
    percent: int


def other_time(session: Session, page: BookingPage, now: datetime) -> OtherTime:
    """The same for both sides."""
    booking = page.booking
    standing = next((one for one in page.proposals if one.state == "open" and one.until > now), None)
    kind = SECOND if booking.state == "disputed" else "reschedule"
    can = booking.state in ("confirmed", "disputed") and _why_not(session, booking, kind, now) is None
    return OtherTime(standing, can, AT_MOST - len(page.proposals), kind, _percent(booking, now))


def _percent(booking: Booking, now: datetime) -> int:
    return refund_now(booking, now) if now < booking.starts_at else 0


def _why_not(session: Session, booking: Booking, kind: str, now: datetime) -> Refusal | None:
    if kind == SECOND and not disputes.may_have_another(session, booking):
        return NotFound()
    return why_not(session, booking, kind=kind, now=now)


def change_slot(reference: str, platform: PlatformTax) -> Any:
    """Pick another slot while one is held; the brief stays, and the old slot until the new one is taken."""
    page = load(reference, "booking.pick_slot")
    if page.booking.state != "held":
        return redirect(url_for("buyer.booking", reference=reference), 303)
    refused: Refusal | str | None = None
    if request.method == "POST":
        refused = _picked(page, platform)
        if refused is None:
            return redirect(url_for("buyer.brief", reference=reference), 303)
    with house().db.reading() as session:
        booking = session.get_one(Booking, page.booking.id)
        found = _with_time_to_approve(session, booking, platform, house().clock())
    return _pick_page(page, "lead", found, "change", refused)


def _with_time_to_approve(session: Session, booking: Booking, platform: PlatformTax, now: datetime) -> Choice:
    """What the hold may change to; where an approver is still to be asked, only what leaves them time."""
    found = slots_to_pick(session, booking, now)
    if booking.approved_at is not None:
        return found
    try:
        since = shown_to(session, g.actor, wanted_offer(session, booking.offer_id), platform, now)
    except NotBookable:  # Closed since it was held: what is held may still move.
        return found
    return (
        found if since is None else replace(found, slots=[slot for slot in found.slots if slot[0] >= since])
    )


def _picked(page: BookingPage, platform: PlatformTax) -> Refusal | str | None:
    start = instant(request.form.get("slot", ""))
    if start is None:
        return "choose"
    try:
        bookings.pick_another_slot(
            house().db, g.actor, booking_id=page.booking.id, start=start, platform=platform,
            token=_token(start.isoformat()),
        )  # fmt: skip
    except NotFound:
        raise
    except Refusal as refusal:
        return refusal
    return None


def propose(reference: str, side: str) -> Any:
    """Propose another time: a week of slots, a reason; what follows by the rule stands above the button."""
    page = load(reference, f"booking.reschedule_as_{side}")
    now = house().clock()
    kind = SECOND if page.booking.state == "disputed" else "reschedule"
    refused: Refusal | str | None = None
    if request.method == "POST":
        refused = _proposed(page, side, kind)
        if refused is None:
            return redirect(_booking_url(reference, side), 303)
    with house().db.reading() as session:
        booking = session.get_one(Booking, page.booking.id)
        closed = _why_not(session, booking, kind, now)
        found = other_slots(session, booking, side=side, kind=kind, now=now) if closed is None else None
    if found is None and refused is None:
        return redirect(_booking_url(reference, side), 303)
    return _pick_page(page, side, found, kind, refused)


def _proposed(page: BookingPage, side: str, kind: str) -> Refusal | str | None:
    start = instant(request.form.get("slot", ""))
    if start is None:
        return "choose"
    told: dict[str, Any] = {
        "booking_id": page.booking.id, "side": side, "start": start,
        "token": _token(start.isoformat()),
        "reason": request.form.get("reason", ""),
    }  # fmt: skip
    try:
        if kind == SECOND:
            disputes.propose_another(house().db, g.actor, **told)
        else:
            bookings.propose(house().db, g.actor, **told)
    except NotFound:
        raise
    except Refusal as refusal:
        return refusal
    return None


def _pick_page(
    page: BookingPage, side: str, found: Choice | None, kind: str, refused: Refusal | str | None
) -> Any:
    now, zone = house().clock(), current_zone_name(page.calendar_zone)
    lost = refused if isinstance(refused, SlotTaken | SlotNotOffered) else None
    answer = render_template(
        "ui/_pick_time.html", page=page, side=side, room=ROOMS[side], kind=kind, found=found, zone=zone,
        other_zone=_other_zone(page, side), lost=lost.facts if lost else None, typed=request.values,
        percent=_percent(page.booking, now), left=AT_MOST - len(page.proposals), token=form_token(),
        error=sentence(refused) if isinstance(refused, Refusal) else refused or "",
        **(week_view(found, zone, now, lost) if found else {"days": [], "monday": None}),
    )  # fmt: skip
    if refused is None:
        return answer
    return answer, status(refused) if isinstance(refused, Refusal) else 422


def answer(reference: str, side: str) -> Any:
    """Accept or refuse the other side's proposal; what no longer stands is said on the booking's page."""
    load(reference, f"booking.reschedule_as_{side}")
    accept = request.form.get("answer") == "yes"
    bookings.answer_proposal(
        house().db, g.actor, proposal_id=_proposal_id(), side=side, accept=accept,
        token=_token("yes" if accept else "no"),
    )  # fmt: skip
    return redirect(_booking_url(reference, side), 303)


def withdraw(reference: str, side: str) -> Any:
    """Take one's own proposal back."""
    load(reference, f"booking.reschedule_as_{side}")
    bookings.withdraw_proposal(house().db, g.actor, proposal_id=_proposal_id(), side=side, token=_token())
    return redirect(_booking_url(reference, side), 303)


def _proposal_id() -> uuid.UUID:
    try:
        return uuid.UUID(request.form.get("proposal", ""))
    except ValueError:
        raise NotFound from None


def _booking_url(reference: str, side: str) -> str:
    return url_for(f"{ROOMS[side]}.booking", reference=reference)


def _other_zone(page: BookingPage, side: str) -> str:
    return page.calendar_zone if side == "lead" else page.lead.zone


def _token(chosen: str = "") -> str:
    """What this very press is known by: the same form sent with another choice is another call."""
    return f"{posted_token()}{chosen and '/' + chosen}"
