"""Check and pay: the answers once more, who is billed, then the provider's own page."""

from __future__ import annotations

from typing import Any

from flask import g, redirect, render_template, request, url_for

from ...domain.errors import MoveNotOpen, NotFound, Refusal
from ...domain.pricing import PlatformTax
from ...domain.refunds import refund_steps
from ...services import bookings, briefs, companies, payments
from ...services.approvals import approver_for
from ...services.bookings.paying import approval_due, quote_now
from ...services.bookings.reading import BookingPage
from ..access import rule
from ..forms import form_token, posted_token
from ..house import house
from ..language import current_language, current_zone_name
from ..one_booking import load
from ..refusals import sentence
from . import blueprint

BILLING_FIELDS = ("legal_name", "street", "postcode", "city", "country", "vat_number")
# Six looks five seconds apart; by then the sweep knows, and the page says so instead of spinning on.
MOST_LOOKS = 6


def platform_tax() -> PlatformTax:
    """The platform's own place and number, from the settings."""
    settings = house().config
    return PlatformTax(
        country=settings.platform_country,
        vat_number=settings.platform_vat,
        identity={"name": settings.platform_name, "address": settings.platform_address},
        fees=settings.fees,
    )


@blueprint.get("/bookings/<reference>/check")
@rule("booking.pay")
def check(reference: str) -> Any:
    """Everything once more, with the price line by line and the refund rule in dates."""
    return _check_page(load(reference, "booking.pay"))


def _check_page(page: BookingPage, *, error: str = "", ticked: tuple[str, ...] = ()) -> Any:
    if page.booking.state != "held":
        return redirect(url_for("buyer.booking", reference=page.booking.reference), 303)
    if companies.missing_billing(page.company):
        return redirect(url_for("buyer.billing", reference=page.booking.reference), 303)
    quote = quote_now(page.booking, page.expert, page.expert_person, page.company, platform_tax())
    now = house().clock()
    with house().db.reading() as session:
        due = approval_due(session, page.booking, quote.total)
        approver = approver_for(session, page.company.id, g.me.id) if due else None
    answer = render_template(
        "buyer/check.html",
        page=page,
        quote=quote,
        steps=refund_steps(
            quote, policy=page.booking.policy, who="buyer", now=now, start=page.booking.starts_at
        ),
        missing=briefs.missing_parts(page.brief, tuple(page.version.questions)),
        zone=current_zone_name(page.calendar_zone),
        token=form_token(),
        ticked=ticked,
        error=error,
        approval=due,
        approver=approver,
        administers="admin" in g.actor.companies.get(page.company.id, ()),
    )
    return (answer, 422) if error else answer


@blueprint.post("/bookings/<reference>/pay")
@rule("booking.pay")
def pay(reference: str) -> Any:
    """Freeze the quote, open the checkout, and go there (303)."""
    page = load(reference, "booking.pay")
    ticked = _ticked()
    try:
        payment_id = bookings.open_payment(
            house().db, g.actor, booking_id=page.booking.id, accepted=ticked, texts=_texts(page),
            platform=platform_tax(), ready=payments.platform_ready(house().payments),
            address=request.remote_addr or "",
        )  # fmt: skip
        address = payments.checkout_url(house().db, house().payments, payment_id)
    except NotFound:
        raise
    except Refusal as refusal:
        return _check_page(page, error=sentence(refusal), ticked=ticked)
    return redirect(address, 303)


@blueprint.post("/bookings/<reference>/ask-approval")
@rule("booking.pay")
def ask_approval(reference: str) -> Any:
    """Ask the company's approver, where its rule says so."""
    page = load(reference, "booking.pay")
    ticked = _ticked()
    try:
        bookings.ask_approval(
            house().db, g.actor, booking_id=page.booking.id, accepted=ticked, platform=platform_tax(),
            token=posted_token(), address=request.remote_addr or "",
        )  # fmt: skip
    except NotFound:
        raise
    except Refusal as refusal:
        return _check_page(page, error=sentence(refusal), ticked=ticked)
    return redirect(url_for("buyer.booking", reference=reference), 303)


@blueprint.post("/bookings/<reference>/pay-again")
@rule("booking.pay")
def pay_again(reference: str) -> Any:
    """After a failed capture: the provider is asked first, then a new checkout that takes at once."""
    page = load(reference, "booking.pay")
    for payment in page.payments:
        payments.refresh(house().db, house().payments, payment.id)
    payment_id = bookings.pay_again(house().db, g.actor, booking_id=page.booking.id, texts=_texts(page))
    if payment_id is None:
        return redirect(url_for("buyer.booking", reference=reference), 303)
    try:
        return redirect(payments.checkout_url(house().db, house().payments, payment_id), 303)
    except MoveNotOpen:  # The first payment turned out to be taken meanwhile: there is nothing to pay.
        return redirect(url_for("buyer.booking", reference=reference), 303)


def _ticked() -> tuple[str, ...]:
    documents = {"rules": ("charter", "confidentiality"), "terms": ("terms",)}
    return tuple(name for box, names in documents.items() if request.form.get(box) for name in names)


def _texts(page: BookingPage) -> payments.CheckoutTexts:
    reference = page.booking.reference
    return payments.CheckoutTexts(
        description=f"{page.version.title} · {page.expert_person.name}",
        locale=current_language(),
        success_url=url_for("buyer.returned", reference=reference, _external=True),
        cancel_url=url_for("buyer.check" if page.booking.state == "held" else "buyer.booking",
                           reference=reference, _external=True),
        customer_email=g.me.email,
        labels={"booking": page.booking.number},
    )  # fmt: skip


@blueprint.get("/bookings/<reference>/returned")
@rule("booking.view_as_buyer")
def returned(reference: str) -> Any:
    """Back from the provider: what our own records say, never what the address says."""
    page = load(reference, "booking.view_as_buyer")
    looks = min(max(0, request.args.get("n", 0, type=int)), MOST_LOOKS)
    waiting = page.booking.state in ("held", "accepted") and any(p.state == "open" for p in page.payments)
    if not waiting:
        return redirect(url_for("buyer.booking", reference=reference), 303)
    return render_template(
        "buyer/returned.html",
        page=page,
        zone=current_zone_name(page.calendar_zone),
        next_look=url_for("buyer.returned", reference=reference, n=looks + 1) if looks < MOST_LOOKS else None,
    )


@blueprint.route("/bookings/<reference>/billing", methods=["GET", "POST"])
@rule("booking.pay")
def billing(reference: str) -> Any:
    """Who is billed: asked when payment first opens, kept for the company."""
    page = load(reference, "booking.pay")
    error, status = "", 200
    typed = {name: request.form.get(name, getattr(page.company, name) or "") for name in BILLING_FIELDS}
    if request.method == "POST":
        try:
            companies.give_billing(house().db, g.actor, company_id=page.company.id, **typed)
            return redirect(url_for("buyer.check", reference=reference), 303)
        except NotFound:
            raise
        except Refusal as refusal:
            error, status = sentence(refusal), 422
    return render_template("buyer/billing.html", page=page, typed=typed, error=error), status
