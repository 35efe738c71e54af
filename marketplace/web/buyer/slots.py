"""Picking a slot: a week of radios in the reader's zone, the expert's clock beside it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from flask import g, redirect, render_template, request, url_for

from ...domain.errors import SlotNotOffered, SlotTaken
from ...services import bookings, queues
from ...services.bookings.approving import shown_to
from ...services.bookings.holding import free_for_offer
from ..access import door_offer, rule
from ..forms import form_token
from ..house import house
from ..language import current_zone_name
from ..refusals import sentence
from ..slot_week import Lost, instant, week_view
from . import blueprint
from .pay import platform_tax


@blueprint.get("/offers/<slug>/slots")
@rule("public")
def slots(slug: str) -> str:
    """A week of the offer's free slots; without one asked for, the first week that has any."""
    return _page(slug)


@blueprint.post("/offers/<slug>/slots")
@rule("booking.hold")
def hold(slug: str) -> Any:
    """Hold the chosen slot; the loser of a race sees the same page with the nearest three."""
    start = instant(request.form.get("slot", ""))
    if start is None:
        return _page(slug, error="choose"), 422
    try:
        made = bookings.hold(
            house().db,
            g.actor,
            offer=slug[:200],
            start=start,
            format=request.form.get("format", ""),
            # Another slot from the same page (the Back button) is another hold, not the first one again.
            token=f"{request.form.get('token', '')[:64]}/{start.isoformat()}",
        )
    except (SlotTaken, SlotNotOffered) as refusal:
        return _page(slug, lost=refusal), 409
    return redirect(url_for("buyer.brief", reference=made.reference), 303)


def _page(slug: str, *, error: str = "", lost: Lost | None = None) -> str:
    offer = door_offer(slug)
    now = house().clock()
    with house().db.reading() as session:
        free = free_for_offer(session, offer.id, window=(now, now + timedelta(days=61)), now=now)
        since = shown_to(session, g.actor, free.wanted, platform_tax(), now)
        waiting = queues.standing_of(session, g.me.id, offer.id, now) if g.me else None
    if since is not None:
        free = replace(free, slots=[slot for slot in free.slots if slot[0] >= since])
    zone = current_zone_name(free.wanted.calendar.zone)
    return render_template(
        "buyer/slots.html",
        free=free,
        offer=free.wanted.offer,
        version=free.wanted.version,
        expert=free.wanted.expert,
        expert_person=free.wanted.person,
        zone=zone,
        other_zone=free.wanted.calendar.zone,
        **week_view(free, zone, now, lost),
        format=request.form.get("format") or request.args.get("format") or "remote",
        token=form_token(),
        error=error,
        lost=_nearest(lost, since) if lost else None,
        asked_first=since is not None,
        waiting=waiting,
        lost_words=sentence(lost) if lost else "",
    )


def _nearest(lost: Lost, since: datetime | None) -> dict[str, Any]:
    """The refusal's facts, without slots that would leave an approver no time."""
    nearest = [slot for slot in lost.facts["nearest"] if since is None or slot[0] >= since]
    return lost.facts | {"nearest": nearest}
