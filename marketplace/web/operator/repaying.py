"""Refunds that failed: what we owe a client, and how an operator has paid it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import g, redirect, render_template, request, url_for

from ...domain.errors import NotFound, Refusal
from ...services import disputes as desk
from ...services.bookings.reading import BookingPage
from ...services.disputes.repaying import owed_refunds
from ..access import rule
from ..house import house
from ..language import current_zone_name
from ..one_booking import load
from ..refusals import sentence, status
from . import blueprint


@blueprint.route("/bookings/<reference>/repay", methods=["GET", "POST"])
@rule("booking.repay")
def repay(reference: str) -> Any:
    """What we owe, and the note that it was paid by our bank."""
    page = load(reference, "booking.repay")
    if request.method == "GET":
        return _page(page, None)
    try:
        desk.repay(
            house().db, g.actor, booking_id=page.booking.id, refund_id=_id(request.form.get("refund", "")),
            reference=request.form.get("reference", ""), second_above=house().config.second_operator_above,
        )  # fmt: skip
    except NotFound:
        raise
    except Refusal as refusal:
        return _page(page, refusal)
    return redirect(url_for("operator.repay", reference=reference), 303)


@blueprint.post("/bookings/<reference>/repay/<uuid:repayment_id>/<any(yes, no):answer>")
@rule("booking.repay")
def repay_second(reference: str, repayment_id: UUID, answer: str) -> Any:
    """A second operator's yes or no to a note above the limit."""
    page = load(reference, "booking.repay")
    try:
        desk.second_repayment(
            house().db, g.actor, booking_id=page.booking.id, repayment_id=repayment_id, yes=answer == "yes"
        )
    except NotFound:
        raise
    except Refusal as refusal:
        return _page(page, refusal)
    return redirect(url_for("operator.repay", reference=reference), 303)


def _page(page: BookingPage, refused: Refusal | None) -> Any:
    with house().db.reading() as session:
        owed = owed_refunds(session, page.booking.id)
    answer = render_template(
        "operator/repay.html", page=page, owed=owed, typed=request.form, zone=current_zone_name(), me=g.me,
        limit=house().config.second_operator_above, error=sentence(refused) if refused else "",
    )  # fmt: skip
    return (answer, status(refused)) if refused else answer


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound from None
