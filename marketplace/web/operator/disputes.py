"""Disputes as operators decide them: the list by deadline, one dispute with both sides, and later refunds."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from ...domain.errors import NotFound, Refusal
from ...domain.refunds import refund_amount
from ...services import disputes as desk
from ...services.bookings.reading import BookingPage
from ...services.disputes.reading import TABS, dispute_counts, later_refund_waiting, list_disputes
from ...storage.bookings import Booking
from .. import disputes
from ..access import rule
from ..cursor import read_cursor, write_cursor
from ..forms import form_token, posted_token
from ..house import house
from ..language import current_zone_name
from ..one_booking import load
from ..refusals import sentence, status
from ..timeline import timeline
from ..typed import cents
from . import blueprint


@blueprint.get("/disputes", endpoint="disputes")
@rule("operator.disputes")
def disputes_list() -> str:
    """What waits for operators, what is still between the sides, what was decided, what is over."""
    asked = request.args.get("tab", "")
    tab, now = asked if asked in TABS else TABS[0], house().clock()
    with house().db.reading() as session:
        listed = list_disputes(session, tab=tab, now=now, after=read_cursor(request.args.get("after")))
        counts = dispute_counts(session, now)
    after = write_cursor(listed.after) if listed.after else None
    return render_template(
        "operator/disputes.html", listed=listed, tab=tab, tabs=TABS, counts=counts, now=now,
        zone=current_zone_name(),
        next_url=url_for("operator.disputes", tab=tab, after=after) if after else None,
    )  # fmt: skip


@blueprint.get("/bookings/<reference>/dispute")
@rule("operator.disputes")
def dispute(reference: str) -> Any:
    """Both sides beside each other, the evidence, the history, and what a share does to the money."""
    return _dispute(reference)


def _dispute(reference: str, *, refused: Refusal | None = None) -> Any:
    page = load(reference, "operator.disputes")
    found = disputes.found_dispute(page)
    if found is None:
        raise NotFound
    now = house().clock()
    share = _whole(request.values.get("share", ""))
    share = found.first_share if share is None else share
    share = min(100, max(found.least, share))
    answer = render_template(
        "operator/dispute.html", page=page, d=found, now=now, zone=current_zone_name(), share=share,
        splits=[found.split(percent) for percent in range(found.least, 101)], token=form_token(),
        shown=_shown(found, share), items=timeline(page, side="operator", now=now), typed=request.form,
        limit=house().config.second_operator_above, error=sentence(refused) if refused else "",
        me=g.me, side="operator", room="operator",
    )  # fmt: skip
    return (answer, status(refused)) if refused else answer


def _shown(found: Any, share: int) -> list[tuple[str, Any]]:
    """The shares worth comparing: each side's, and the one looked at."""
    asked = [(side, found.shares[side]) for side in ("lead", "expert") if found.shares[side] is not None]
    return [*((side, found.split(percent)) for side, percent in asked), ("chosen", found.split(share))]


@blueprint.route("/bookings/<reference>/report", methods=["GET", "POST"])
@rule("booking.dispute_as_operator")
def report(reference: str) -> Any:
    """Report a problem of which the sides have told us otherwise."""
    return disputes.report(reference, "operator")


@blueprint.get("/bookings/<reference>/evidence/<uuid:file_id>")
@rule("booking.dispute_as_operator")
def evidence(reference: str, file_id: UUID) -> Response:
    """A file given with a statement."""
    return disputes.evidence(reference, "operator", file_id)


@blueprint.post("/bookings/<reference>/decide")
@rule("booking.decide")
def decide(reference: str) -> Any:
    """Decide on the share that the page showed, with a reason to each side."""
    page, form = load(reference, "booking.decide"), request.form
    try:
        share = _whole(form.get("share", ""))
        desk.decide(
            house().db, g.actor, booking_id=page.booking.id, share=-1 if share is None else share,
            reason_lead=form.get("reason_lead", ""), reason_expert=form.get("reason_expert", ""),
            second_above=house().config.second_operator_above, token=posted_token(),
        )  # fmt: skip
    except NotFound:
        raise
    except Refusal as refusal:
        return _dispute(reference, refused=refusal)
    return redirect(url_for("operator.dispute", reference=reference), 303)


@blueprint.post("/bookings/<reference>/decide/<uuid:decision_id>/<any(yes, no):answer>")
@rule("booking.decide")
def decide_second(reference: str, decision_id: UUID, answer: str) -> Any:
    """A second operator's yes or no."""
    page = load(reference, "booking.decide")
    try:
        desk.second(
            house().db, g.actor, booking_id=page.booking.id, decision_id=decision_id, yes=answer == "yes",
            token=posted_token(),
        )  # fmt: skip
    except NotFound:
        raise
    except Refusal as refusal:
        return _dispute(reference, refused=refusal)
    return redirect(url_for("operator.dispute", reference=reference), 303)


@blueprint.post("/bookings/<reference>/dispute/withdraw")
@rule("booking.dispute_as_operator")
def dispute_withdraw(reference: str) -> Any:
    """Take the operators' own report back."""
    page = load(reference, "booking.dispute_as_operator")
    try:
        desk.withdraw_report(
            house().db, g.actor, booking_id=page.booking.id, side="operator", token=posted_token()
        )
    except NotFound:
        raise
    except Refusal as refusal:
        return _dispute(reference, refused=refusal)
    return redirect(url_for("operator.dispute", reference=reference), 303)


@blueprint.route("/bookings/<reference>/refund", methods=["GET", "POST"])
@rule("booking.refund")
def refund(reference: str) -> Any:
    """Give an amount back after the share fell due: its effect is shown, then it is confirmed."""
    page = load(reference, "booking.refund")
    if page.quote is None:  # Nothing was ever asked for it.
        raise NotFound
    refused: Refusal | None = None
    amount, borne = _asked_back()
    if request.method == "POST":
        try:
            desk.refund_later(
                house().db, g.actor, booking_id=page.booking.id, amount_minor=amount, borne_by=borne,
                reason=request.form.get("reason", ""), second_above=house().config.second_operator_above,
                token=posted_token(),
            )  # fmt: skip
            return redirect(url_for("operator.booking", reference=reference), 303)
        except NotFound:
            raise
        except Refusal as refusal:
            refused = refusal
    return _refund_page(page, amount, borne, refused)


def _asked_back() -> tuple[int, str]:
    """The amount typed (minor units; what is none counts as 0) and who is to bear it."""
    return cents(request.values.get("amount", "")) or 0, request.values.get("borne_by", "")


def _refund_page(page: BookingPage, amount: int, borne: str, refused: Refusal | None) -> Any:
    with house().db.reading() as session:
        booking = session.get_one(Booking, page.booking.id)
        quote, before, payment = desk.quote_and_before(session, booking)
        waiting = later_refund_waiting(session, booking.id)
    lines, unsaid = None, ""
    if request.values.get("amount"):
        try:
            effect = refund_amount(quote, amount, before).lines
            lines = effect if borne in ("us", "expert") else None
        except Refusal as refusal:
            refused = refused or refusal
        unsaid = _("Say who bears it.") if borne not in ("us", "expert") else ""
    answer = render_template(
        "operator/refund.html", page=page, amount=amount, borne=borne, lines=lines, quote=quote,
        left=quote.total - sum(before.values()), taken=payment is not None, waiting=waiting,
        typed=request.values, limit=house().config.second_operator_above, token=form_token(),
        zone=current_zone_name(), error=sentence(refused) if refused else unsaid, me=g.me,
    )  # fmt: skip
    if refused:
        return answer, status(refused)
    return (answer, 422) if unsaid else answer


@blueprint.post("/bookings/<reference>/refund/<uuid:refund_id>/<any(yes, no):answer>")
@rule("booking.refund")
def refund_second(reference: str, refund_id: UUID, answer: str) -> Any:
    """A second operator's yes or no to a refund above the limit."""
    page = load(reference, "booking.refund")
    try:
        desk.second_refund(
            house().db, g.actor, booking_id=page.booking.id, refund_id=refund_id, yes=answer == "yes",
            token=posted_token(),
        )  # fmt: skip
    except NotFound:
        raise
    except Refusal as refusal:
        return _refund_page(page, 0, "", refusal)
    return redirect(url_for("operator.booking", reference=reference), 303)


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else None
