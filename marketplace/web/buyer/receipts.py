"""What was paid: the list of payments with their refunds, and each receipt, on the page and as PDF."""

from __future__ import annotations

from flask import Response, g, render_template, request, url_for
from flask_babel import gettext as _

from ...domain.errors import NotFound
from ...domain.pricing import Quote
from ...gateways.statements import Column, Paper, Row, Table
from ...services.bookings.reading import BookingPage
from ...services.bookings.spending import spending, sums
from ..access import rule
from ..cursor import read_cursor, write_cursor
from ..formats import day_long, money, span, zone_hour
from ..formats.amounts import rate
from ..formats.times import date_long, session_length
from ..house import house
from ..language import current_zone_name
from ..one_booking import load
from ..papers import paper, party_lines, pdf, plain, platform_lines, vat_words
from . import blueprint

# The states of a booking whose payment was taken.
WITH_RECEIPT = (
    "confirmed", "delivered", "completed", "cancelled", "disputed", "resolved", "settled",
)  # fmt: skip


@blueprint.get("/payments")
@rule("payments.list_own")
def payments() -> str:
    """Each payment of the sessions they lead or their company pays, its refunds and its receipt."""
    after = read_cursor(request.args.get("after"))
    with house().db.reading() as session:
        found, together = spending(session, g.actor, after), sums(session, g.actor)
    return render_template(
        "buyer/payments.html", found=found, sums=together, zone=current_zone_name(), first_page=after is None,
        next_url=url_for("buyer.payments", after=write_cursor(found.after)) if found.after else None,
    )  # fmt: skip


@blueprint.get("/bookings/<reference>/receipt")
@rule("booking.view_as_buyer")
def receipt(reference: str) -> str:
    """What was paid, to whom, with legal names and VAT lines; made for printing."""
    page, _quote = _paid(reference)
    return render_template("buyer/receipt.html", page=page, zone=current_zone_name(page.calendar_zone))


@blueprint.get("/bookings/<reference>/receipt.pdf")
@rule("booking.view_as_buyer")
def receipt_file(reference: str) -> Response:
    """The same as a file to keep."""
    page, quote = _paid(reference)
    return pdf(
        receipt_paper(page, quote, current_zone_name(page.calendar_zone)), f"declic-{page.booking.number}"
    )


def _paid(reference: str) -> tuple[BookingPage, Quote]:
    page = load(reference, "booking.view_as_buyer")
    if page.booking.state not in WITH_RECEIPT or page.booking.captured_at is None or page.quote is None:
        raise NotFound
    return page, page.quote


def receipt_paper(page: BookingPage, quote: Quote, zone: str) -> Paper:
    """The receipt in words: the lines of the frozen quote, then what went back."""
    booking = page.booking
    assert booking.captured_at is not None, "only what was taken has a receipt"
    when = f"{plain(day_long(booking.starts_at, zone))}, {span(booking.starts_at, booking.ends_at, zone)}"
    paid = _(
        "Paid on %(day)s. This is a receipt, not an invoice.", day=plain(date_long(booking.captured_at, zone))
    )
    return paper(
        _("Receipt %(number)s", number=booking.number),
        lines=[paid, f"{page.version.title} · {page.expert_person.name}", f"{when}, {zone_hour(zone)}"],
        parties=[
            (_("Seller of the session"), party_lines(quote.seller)),
            (_("Service fee charged by"), platform_lines()),
            (_("Buyer"), _buyer_lines(page, quote)),
        ],
        tables=[_lines(page, quote), *_refunds(page, zone)],
        notes=[_("Payment reference: %(id)s", id=", ".join(one.intent_id for one in page.payments if one.intent_id))],
    )  # fmt: skip


def _buyer_lines(page: BookingPage, quote: Quote) -> list[str]:
    lines = party_lines(quote.buyer)
    if page.brief.purchase_order:
        lines.append(_("Order number %(number)s", number=page.brief.purchase_order))
    if page.brief.cost_centre:
        lines.append(_("Cost centre %(name)s", name=page.brief.cost_centre))
    return lines


def _lines(page: BookingPage, quote: Quote) -> Table:
    on_session = _("VAT %(rate)s on the session", rate=rate(quote.seller_vat_rate_bp))
    on_fee = _("VAT %(rate)s on the fee", rate=rate(quote.fee_vat_rate_bp))
    lines = (
        (_("%(length)s session", length=session_length(page.version.minutes)), quote.price),
        (vat_words(quote.seller_vat_rate_bp, on_session, quote.seller_vat_ground), quote.seller_vat),
        (_("Service fee, %(rate)s", rate=rate(quote.service_fee_bp)), quote.service_fee),
        (vat_words(quote.fee_vat_rate_bp, on_fee, quote.fee_vat_ground), quote.vat_service_fee),
    )
    rows = [Row([words, money(minor)]) for words, minor in lines]
    rows.append(Row([_("Total incl. VAT"), money(quote.total)], "total"))
    return Table("", (Column(_("Price, line by line"), 130), Column(_("Amount"), 40, True)), rows)


def _refunds(page: BookingPage, zone: str) -> list[Table]:
    rows = [
        Row(
            [
                f"{plain(date_long(one.ended_at, zone))}\n{one.provider_id or ''}".strip(),
                money(one.amount_minor),
            ]
        )
        for one in page.refunds
        if one.state == "done" and one.ended_at
    ]
    columns = (Column(_("Day"), 130), Column(_("Amount"), 40, True))
    return [Table(_("Refunded"), columns, rows)] if rows else []
