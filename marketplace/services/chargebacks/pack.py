"""The evidence pack: what we keep of a booking, said to the buyer's bank in English, originals quoted.

Nothing is said that is not recorded. The provider's field names are the keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from ...domain.refunds import STEPS
from ...gateways.payments import EVIDENCE_FIELDS, MOST_EVIDENCE
from ...storage.bookings import Booking
from ...storage.chargebacks import Chargeback
from ...storage.payments import Payment
from ..bookings.reading import BookingPage, booking_page
from .records import Records, records_of

# The booking's history in the bank's language; what is not named here says nothing to it.
MOVES: Mapping[str, str] = {
    "hold": "held the time slot",
    "open_payment": "accepted the terms and opened the payment",
    "commit": "payment authorised; the request was sent to the expert",
    "payment_arrived": "payment authorised; the request was sent to the expert",
    "approve": "approved the expense for the company",
    "accept": "accepted the booking",
    "accept_at_once": "the booking was accepted in advance",
    "captured": "payment taken; the booking was confirmed",
    "reschedule": "agreed to another time",
    "cancel": "cancelled the booking",
    "stop": "stopped the booking",
    "end_passes": "the session's end passed",
    "confirm": "confirmed that the session was held",
    "window_passes": "the time to object ended without an objection",
    "report": "reported a problem",
    "agree": "agreed to the other side's proposal",
    "withdraw_report": "took the report back",
    "decide": "decided on the report",
    "refund": "refunded an amount",
}
ACTORS = {
    "lead": "customer", "approver": "customer's approver", "expert": "expert", "operator": "platform",
    "clock": "system", "provider": "payment provider", "queue": "system", "loader": "system",
}  # fmt: skip
REPORTS = {
    "buyer_absent": "the customer did not come",
    "expert_absent": "the expert did not come",
    "both_absent": "nobody came",
    "technical": "a technical failure",
    "confidentiality": "stopped for confidentiality",
    "ended_early": "ended early",
    "quality": "quality",
}
OUTCOMES = {
    "agreed": "both sides agreed",
    "decided": "the platform decided",
    "day_80": "settled by the terms on the last day",
    "withdrawn": "taken back by whoever reported it",
    "second_session": "a second session was agreed",
}
LETTERS = {
    "request_sent": "request sent",
    "confirmed_lead": "confirmation with the calendar invitation",
    "rescheduled_lead": "new time with the calendar invitation",
    "reminder": "reminder before the session",
    "session_done_lead": "session held; how to report a problem",
    "cancelled_own_lead": "cancellation",
    "cancelled_by_expert_lead": "cancellation by the expert",
    "refund_made": "refund",
}


def build_pack(session: Session, row: Chargeback, *, site: str) -> dict[str, str]:
    """The evidence by the provider's field names, within its limits. Empty where there is no booking."""
    payment = session.get_one(Payment, row.payment_id)
    booking = session.get(Booking, payment.subject)
    if booking is None or booking.lead_id is None:
        return {"uncategorized_text": row.statement} if row.statement else {}
    page, records = booking_page(session, booking), records_of(session, booking)
    return fit(_texts(page, records, row, payment, site))


def _texts(
    page: BookingPage, records: Records, row: Chargeback, payment: Payment, site: str
) -> dict[str, str]:
    booking = page.booking
    accepted = [
        f"{one.document}, version {one.version}: accepted {_at(one.accepted_at)}"
        + (f" from the address {one.address}" if one.address else "")
        for one in records.acceptances
    ]
    rule = _policy(booking.policy)
    given = f"Accepted by the customer before paying:\n{_list(accepted)}" if accepted else ""
    return {
        "product_description": _product(page, site),
        "customer_name": f"{page.lead.name}, for {page.company.legal_name or page.company.name}",
        "customer_email_address": page.lead.email,
        "customer_purchase_ip": next((one.address for one in records.acceptances if one.address), ""),
        "billing_address": _address(page),
        "service_date": f"{_at(booking.starts_at)} to {_at(booking.ends_at)}",
        "access_activity_log": _activity(page, records),
        "refund_policy_disclosure": _paragraphs(rule, given),
        "cancellation_policy_disclosure": _paragraphs(rule, given),
        "cancellation_rebuttal": _cancelled(page),
        "refund_refusal_explanation": _refunds(page),
        "duplicate_charge_explanation": _duplicate(page, payment) if row.reason == "duplicate" else "",
        "uncategorized_text": _summary(page, records, row),
    }


def _product(page: BookingPage, site: str) -> str:
    version, booking = page.version, page.booking
    where = "by video" if booking.format == "remote" else "on site"
    takes = _list(version.takeaways)
    return _paragraphs(
        f"{site} is a marketplace on which employees of companies book experts of start-ups for one paid working "
        f"session. Booking {booking.number}: a session of {version.minutes} minutes {where} with "
        f"{page.expert_person.name}, ordered by {page.lead.name} for {page.company.name}.",
        f"The offer as it stood when it was booked, quoted ({version.language}): “{version.title}”",
        f"What the customer was to take away, quoted:\n{takes}" if takes else "",
        f"The subject the customer wrote for the session, quoted: “{page.brief.subject}”"
        if page.brief.subject
        else "",
        _price(page),
    )


def _price(page: BookingPage) -> str:
    quote = page.quote
    if quote is None:
        return ""
    return (
        f"Price shown before payment: session {_money(quote.price)}, VAT on it {_money(quote.seller_vat)}, service "
        f"fee {_money(quote.service_fee)}, VAT on it {_money(quote.vat_service_fee)}; total {_money(quote.total)}."
    )


def _address(page: BookingPage) -> str:
    company = page.company
    town = f"{company.postcode or ''} {company.city or ''}".strip()
    return ", ".join(
        part
        for part in (company.legal_name, company.street, town, company.country, company.vat_number)
        if part
    )


def _activity(page: BookingPage, records: Records) -> str:
    moves = [
        (move.at, f"{_who(page, move.actor_kind, move.actor_id)}: {MOVES[move.move]}")
        for move in page.moves
        if move.move in MOVES
    ]
    letters = [
        (letter.sent_at, f"mail to {letter.recipient}: {LETTERS.get(letter.event, letter.event)}")
        for letter in records.letters
    ]
    lines = [f"{_at(at)}  {words}" for at, words in sorted([*moves, *letters], key=lambda one: one[0])]
    asked = f"Before booking, the customer put {records.questions} written question(s) to this expert on the platform."
    return _paragraphs("\n".join(lines), asked if records.questions else "")


def _who(page: BookingPage, kind: str, person_id: object) -> str:
    name = page.actors.get(person_id, "") if person_id else ""  # type: ignore[call-overload]
    role = ACTORS.get(kind, kind)
    return f"{role} ({name})" if name and kind != "operator" else role


def _policy(policy: str) -> str:
    """The refund rule as it was shown with the price, in words."""
    lines: dict[int, str] = {}
    for least, percent in STEPS[policy]:  # Of equal neighbours the last is the one that counts.
        hours = int(least.total_seconds()) // 3600
        when = f"{hours} hours or more before the start" if hours else "later, until the start"
        lines[percent] = f"cancelled by the customer {when}: {percent} % refunded"
    steps = [*lines.values(), "cancelled by the expert or the platform: 100 % refunded"]
    return (
        f"The offer's cancellation terms (“{policy}”) were shown with the price on the page where the customer "
        f"paid, and in the confirmation:\n{_list(steps)}"
    )


def _cancelled(page: BookingPage) -> str:
    booking = page.booking
    if booking.cancelled_by is None:
        return "The customer did not cancel this booking at any time: the record of every step shows none."
    by = {"lead": "the customer", "expert": "the expert", "operator": "the platform"}.get(
        booking.cancelled_by
    )
    if by is None:
        return ""
    at = next((move.at for move in page.moves if move.move == "cancel"), booking.ended_at)
    before = f", {_hours(booking.starts_at - at)} before the start" if at else ""
    return (
        f"The booking was cancelled by {by}{' on ' + _at(at) if at else ''}{before}. By the terms accepted, "
        f"{_money(booking.refund_minor)} were to be refunded."
    )


def _refunds(page: BookingPage) -> str:
    sent = [
        f"{_money(one.amount_minor)}, decided {_at(one.decided_at)}, provider's reference {one.provider_id}: {one.state}"
        for one in page.refunds
        if one.provider_id is not None and one.state in ("done", "pending")
    ]
    waiting = [
        f"{_money(one.amount_minor)}, decided {_at(one.decided_at)}, not sent while the payment is contested"
        for one in page.refunds
        if one.state == "intended"
    ]
    if not sent and not waiting:
        return "No refund had fallen due under the terms the customer accepted."
    return _paragraphs(
        f"Already refunded:\n{_list(sent)}" if sent else "",
        f"Decided:\n{_list(waiting)}" if waiting else "",
        "Nothing beyond that had fallen due under the terms the customer accepted.",
    )


def _duplicate(page: BookingPage, payment: Payment) -> str:
    taken = [one for one in page.payments if one.captured_minor]
    others = [one for one in taken if one.id != payment.id]
    if not others:
        return (
            f"Booking {page.booking.number} was paid once: this charge ({payment.charge_id}) is the only one taken "
            "for it. Another charge of the same customer is for another session."
        )
    return "\n".join(
        f"{one.charge_id}: {_money(one.captured_minor)} taken, of which {_money(one.refunded_minor)} refunded."
        for one in taken
    )


def _summary(page: BookingPage, records: Records, row: Chargeback) -> str:
    review = page.reviews.get("lead")
    said = (
        f"The customer's own review of the session, sent {_at(review.sent_at)} and quoted ({review.language}): "
        f"“{review.text}”"
        if review is not None
        else ""
    )
    marks = ""
    if review is not None and review.usefulness:
        marks = f"Marks given by the customer, of 5: expertise {review.expertise}, usefulness {review.usefulness}."
    reports = [
        f"Reported {_at(one.reported_at)} by the {ACTORS.get(one.reported_by, one.reported_by)}: "
        f"{REPORTS[one.kind]}. "
        + (
            f"{OUTCOMES[one.closed_why]}, {_at(one.closed_at)}"
            + (f": {one.share} % refunded." if one.share is not None else ".")
            if one.closed_why and one.closed_at
            else "Not yet decided."
        )
        for one in records.disputes
    ]
    none = "" if reports else "Neither side reported a problem with this session on the platform."
    return _paragraphs(row.statement, said, marks, _list(reports), none)


def fit(texts: Mapping[str, str]) -> dict[str, str]:
    """Without the empty ones, each cut to its field's limit, and together to the provider's."""
    kept: dict[str, str] = {}
    left = MOST_EVIDENCE
    for name, text in texts.items():
        short = _cut(text.strip(), min(EVIDENCE_FIELDS[name], left))
        if short:
            kept[name] = short
            left -= len(short)
    return kept


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: max(0, most - 1)] + "…"[: most > 0]


def _paragraphs(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part)


def _list(lines: Iterable[str] | Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _at(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC"


def _hours(time: object) -> str:
    hours = int(time.total_seconds()) // 3600  # type: ignore[attr-defined]
    return f"{hours} hours"


def _money(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02d} EUR"
