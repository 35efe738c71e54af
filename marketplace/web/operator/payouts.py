"""Our own money to our bank, and VAT to the tax office: shown with every term before, and kept after."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from flask import g, redirect, render_template, request, url_for

from ...domain.errors import NotFound, ProviderBusy, Refusal
from ...domain.months import read_month
from ...services import platform_payouts
from ..access import rule
from ..forms import form_token, posted_token
from ..house import house
from ..language import current_zone_name
from ..refusals import sentence, status
from ..typed import cents
from . import blueprint


@blueprint.get("/payouts")
@rule("operator.pay_out")
def payouts() -> Any:
    """What is ours now, term by term; what a payout would leave; those that were made."""
    return _page()


@blueprint.post("/payouts")
@rule("operator.pay_out")
def pay_out() -> Any:
    """Pay an amount to our bank; above the limit it waits for a second operator."""
    try:
        platform_payouts.propose(
            house().db, house().payments, g.actor, amount_minor=cents(request.form.get("amount", "")) or 0,
            seen_minor=cents(request.form.get("seen", "")) or 0,
            second_above=house().config.second_operator_above, token=posted_token(),
        )  # fmt: skip
    except Refusal as refused:
        return _page(refused)
    return redirect(url_for("operator.payouts"), 303)


@blueprint.post("/payouts/<uuid:payout_id>/<any(yes, no):answer>")
@rule("operator.pay_out")
def pay_out_second(payout_id: UUID, answer: str) -> Any:
    """A second operator's yes, or anybody's no."""
    try:
        platform_payouts.second(
            house().db, house().payments, g.actor, payout_id=payout_id, yes=answer == "yes"
        )
    except NotFound:
        raise
    except Refusal as refused:
        return _page(refused)
    return redirect(url_for("operator.payouts"), 303)


@blueprint.post("/payouts/vat")
@rule("operator.pay_out")
def vat_paid() -> Any:
    """Note that a closed month's VAT was paid to the tax office."""
    month = read_month(request.form.get("month", ""))
    if month is None:
        raise NotFound
    try:
        platform_payouts.note_vat_paid(
            house().db, g.actor, month=month, paid_on=_day(request.form.get("paid_on", "")),
            reference=request.form.get("reference", ""),
        )  # fmt: skip
    except Refusal as refused:
        return _page(refused)
    return redirect(url_for("operator.payouts"), 303)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _page(refused: Refusal | None = None) -> Any:
    offered, silent = None, False
    try:
        offered = platform_payouts.offered(house().db, house().payments)
    except ProviderBusy:
        silent = True
    typed = request.values.get("amount", "")
    with house().db.reading() as session:
        rows, paid = platform_payouts.recent(session), platform_payouts.tax_payments(session)
        answer = render_template(
            "operator/payouts.html", offered=offered, silent=silent, rows=rows, paid=paid,
            names=platform_payouts.who(session, rows, paid), vat=platform_payouts.vat_due(session),
            typed=request.values, amount=cents(typed) if typed else None,
            limit=house().config.second_operator_above, token=form_token(), zone=current_zone_name(),
            error=sentence(refused) if refused else "", me=g.me, now=house().clock(),
        )  # fmt: skip
    return (answer, status(refused)) if refused else answer
