"""The course of a booking's money, step by step, as the expert reads it: what happened, what waits, what comes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from flask_babel import gettext as _

from ..domain import postings
from ..services import ledger
from ..services.bookings.reading import BookingPage
from ..services.payouts import MoneyRow
from ..storage.chargebacks import Chargeback
from ..storage.payments import Payment, Refund
from .formats.amounts import money
from .formats.codes import transfer_why
from .formats.speech import capital
from .formats.times import date_long

Item = dict[str, Any]


def course(
    page: BookingPage,
    row: MoneyRow | None,
    groups: Sequence[ledger.Group],
    chargebacks: Sequence[Chargeback],
    *,
    now: datetime,
    zone: str,
) -> list[Item]:
    """Past steps with their amount and the provider's id, now, and the next date of the transfer."""
    past = [
        *(item for payment in page.payments for item in _paid(payment)),
        *(item for refund in page.refunds for item in _refunded(refund, page)),
        *(item for group in groups for item in _booked(group, page)),
        *(item for one in chargebacks for item in _contested(one)),
    ]
    past.sort(key=lambda item: item["at"])
    return [
        *past,
        {"at": now, "state": "now", "title": _("Now"), "when": "now"},
        *_ahead(page, row, now, zone),
    ]


def _paid(payment: Payment) -> list[Item]:
    items = []
    theirs = payment.quote["price"] + payment.quote["seller_vat"]
    words = _("price and VAT: %(amount)s", amount=money(theirs))
    if payment.authorised_at:
        items.append(
            _item(
                payment.authorised_at,
                "requested",
                _("Authorised by the client’s bank"),
                words,
                payment.intent_id,
            )
        )
    if payment.invoiced_at:
        items.append(
            _item(payment.invoiced_at, "accepted", _("Invoiced to the client"), words, payment.intent_id)
        )
    if payment.captured_at:
        items.append(
            _item(
                payment.captured_at,
                "confirmed",
                _("Taken, held at the payment provider"),
                words,
                payment.charge_id,
            )
        )
    if payment.ended_at and payment.state in ("released", "lost", "closed") and payment.authorised_at:
        items.append(
            _item(payment.ended_at, "cancelled", _("Released, nothing taken"), "", payment.intent_id)
        )
    return items


def _refunded(refund: Refund, page: BookingPage) -> list[Item]:
    """What goes back to the client of price and VAT; the service fee is no matter of the expert's."""
    theirs = refund.lines.get("price", 0) + refund.lines.get("seller_vat", 0)
    if refund.borne_by_us or not theirs or refund.kind == "overpaid":
        return []
    words = _("price and VAT: %(amount)s", amount=money(theirs))
    items = [_item(refund.decided_at, "doing", _("Refund to the client decided"), words, refund.provider_id)]
    if refund.state == "done" and refund.ended_at:
        items.append(
            _item(refund.ended_at, "cancelled", _("Refunded to the client"), words, refund.provider_id)
        )
    return items


def _booked(group: ledger.Group, page: BookingPage) -> list[Item]:
    say = _BOOKED.get(group.kind)
    if say is None:
        return []
    entries = dict(group.entries)
    theirs = abs(entries.get(postings.payable(page.booking.expert_id), 0))
    state, title, note = say(money(theirs), entries)
    return [_item(group.at, state, title, note, group.source if group.kind == ledger.TRANSFER else None)]


Said = tuple[str, str, str]


def _share_words(amount: str, entries: Mapping[str, int]) -> Said:
    commission, vat = (
        money(-entries.get(name, 0)) for name in (postings.COMMISSION, postings.VAT_COMMISSION)
    )
    note = _("%(amount)s, after %(commission)s of commission and %(vat)s of VAT on it", amount=amount, commission=commission, vat=vat)  # fmt: skip
    return "delivered", _("Your share fell due"), note


_BOOKED: Mapping[str, Callable[[str, Mapping[str, int]], Said]] = {
    ledger.SHARE_DUE: _share_words,
    ledger.TRANSFER: lambda amount, entries: ("completed", _("Transferred to your account"), amount),
    ledger.SET_OFF: lambda amount, entries: ("settled", _("Kept for what you owed from another refund"), amount),
    ledger.REVERSAL: lambda amount, entries: ("cancelled", _("Brought back from your account, for the refund"), amount),
    ledger.NOT_REVERSED: lambda amount, entries: ("disputed", _("Could not be brought back: kept of your next transfers"), amount),
}  # fmt: skip


def _contested(one: Chargeback) -> list[Item]:
    asks = one.state in ("inquiry", "inquiry_closed")
    title = (
        _("The client’s bank asks about the payment") if asks else _("The client’s bank contests the payment")
    )
    items = [
        _item(one.opened_at, "disputed", title, _("nothing moves until it has decided"), one.provider_id)
    ]
    ends = {
        "won": ("completed", _("The bank decided: the payment stands")),
        "lost": ("cancelled", _("The bank decided for the client")),
        "prevented": ("settled", _("The contest was settled beforehand")),
        "inquiry_closed": ("completed", _("The bank asks no more")),
    }
    if one.ended_at and one.state in ends:
        items.append(_item(one.ended_at, *ends[one.state], "", one.provider_id))
    return items


def _ahead(page: BookingPage, row: MoneyRow | None, now: datetime, zone: str) -> list[Item]:
    booking = page.booking
    if row is None or row.state in ("transferred", "returned"):
        return []
    if row.state == "due" and row.due_at:
        note = money(row.share - row.set_off)
        if row.held_up_by:
            note = _("%(amount)s; %(why)s", amount=note, why=transfer_why(row.held_up_by))
        elif row.why and row.why != "due":
            note = _("%(amount)s; %(why)s", amount=note, why=transfer_why(row.why))
        title = (
            _("Leaves for your account") if row.due_at > now else _("Leaves as soon as nothing is in its way")
        )
        return [{"at": row.due_at, "state": "future", "title": title, "note": note, "when": "future"}]
    due = booking.deadline if booking.state == "delivered" else booking.share_due_at
    if booking.state == "confirmed":
        return [{"at": booking.ends_at, "state": "future", "title": _("The session ends"), "note": _("your share falls due 72 hours later, if nobody reports a problem"), "when": "future"}]  # fmt: skip
    if due is not None and booking.state in ("delivered", "cancelled"):
        words = capital(_("%(amount)s if nobody reports a problem", amount=money(row.share)))
        return [{"at": due, "state": "future", "title": _("Falls due on %(day)s", day=date_long(due, zone)), "note": words, "when": "future"}]  # fmt: skip
    return []


def _item(at: datetime, state: str, title: str, note: str, code: str | None) -> Item:
    return {"at": at, "state": state, "title": title, "note": note, "code": code, "when": "past"}
