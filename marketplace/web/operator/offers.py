"""Offers as operators see them: every version, how it does, its bookings with the money of each, its reviews."""

from __future__ import annotations

import uuid

from flask import render_template, request, url_for

from ...services.moderation import desk, money
from ...storage.bookings import Booking
from ..access import rule
from ..cursor import read_cursor, write_cursor
from ..house import house
from ..language import current_zone_name
from . import blueprint


@blueprint.get("/offers", endpoint="offers")
@rule("operator.offers")
def offers_list() -> str:
    """All offers, newest first; by title or expert, and by status."""
    text, status = request.args.get("q", "")[:100], request.args.get("status", "")
    with house().db.reading() as session:
        rows, after = desk.list_offers(
            session, text=text, status=status, after=read_cursor(request.args.get("after"))
        )
    next_url = url_for("operator.offers", after=write_cursor(after), q=text, status=status) if after else None
    return render_template(
        "operator/offers.html", rows=rows, text=text, status=status, statuses=desk.OFFER_STATES,
        next_url=next_url, zone=current_zone_name(),
    )  # fmt: skip


@blueprint.get("/offers/<uuid:offer_id>")
@rule("operator.offers")
def offer(offer_id: uuid.UUID) -> str:
    """One offer."""
    now = house().clock()
    with house().db.reading() as session:
        page = desk.offer_desk(session, offer_id, now)
        rows, after = money.bookings_with_money(
            session, Booking.offer_id == offer_id, after=read_cursor(request.args.get("after"))
        )
    next_url = url_for("operator.offer", offer_id=offer_id, after=write_cursor(after)) if after else None
    return render_template(
        "operator/offer.html", page=page, rows=rows, next_url=next_url, zone=current_zone_name()
    )
