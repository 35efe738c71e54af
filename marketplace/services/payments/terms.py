"""Company terms: what a company owes by our invoice, pays by bank transfer, gets credited, or never pays.

One payment a booking, of the method `bank_transfer`. It is owed from the invoice on; the provider gives
an account to send it to, for what is open of it. A credit note while it is unpaid takes that account
back and asks for another, for what is left (payments.md, "Companies on terms" and the Ledger's rows).
Parts: the caller holds the locks.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass

import sqlalchemy as sa

from ...domain import postings
from ...domain.events import PaymentCaptured
from ...domain.ids import new_reference
from ...domain.pricing import Quote
from ...gateways.payments import BankTransfer, PaymentSeen, PaymentState
from ...storage.db import Tx
from ...storage.payments import Payment, ProviderCall, Refund
from .. import ledger
from .intents import ask, ask_refund, labels
from .refunding import post_refund

# Where the provider has accounts to send euros to.
ACCOUNTS_IN = ("DE", "FR", "IE", "NL")
ELSE_IN = "FR"


@dataclass(frozen=True)
class Payer:
    """Who is asked for the money, in the provider's words: a customer."""

    name: str
    email: str
    country: str
    description: str
    labels: Mapping[str, str]


def open_minor(payment: Payment) -> int:
    """What the company still owes of the invoice, minor units."""
    return payment.amount_minor - payment.credited_minor - payment.written_off_minor


def unpaid(payment: Payment) -> bool:
    """Whether it is owed on terms and the money has not come."""
    return payment.method == "bank_transfer" and payment.captured_at is None


def invoice(
    tx: Tx, *, subject: uuid.UUID, company_id: uuid.UUID, expert_id: uuid.UUID, quote: Quote, payer: Payer
) -> Payment:
    """The company owes the quote's total from now on; an account to send it to is asked for."""
    payment = Payment(
        reference=new_reference(), subject=subject, payer_company_id=company_id, payee_expert_id=expert_id,
        method="bank_transfer", capture="automatic", amount_minor=quote.total, currency=quote.currency,
        quote=quote.as_dict(), labels=dict(payer.labels), invoiced_at=tx.now, created_at=tx.now,
    )  # fmt: skip
    tx.session.add(payment)
    tx.session.flush()  # Its id goes into the entries and the intent.
    ledger.post(
        tx, source=str(payment.id), kind=ledger.INVOICED, subject=subject, at=tx.now, why="invoiced",
        entries=postings.against(postings.owed_by(company_id), postings.captured(quote, subject)),
    )  # fmt: skip
    _ask_for_the_rest(tx, payment, asdict(payer))
    return payment


def _ask_for_the_rest(tx: Tx, payment: Payment, payer: Mapping[str, object]) -> None:
    """An account for what is open; a refused or ended one before keeps its own intent."""
    before = sa.select(sa.func.count()).where(
        ProviderCall.payment_id == payment.id, ProviderCall.kind == "open_bank_transfer"
    )
    ask(
        tx, payment, "open_bank_transfer", f"bank/{payment.id}/{tx.session.scalar(before)}",
        {
            "reference": payment.reference,
            "amount_minor": open_minor(payment),
            "currency": payment.currency,
            "country": payer["country"] if payer["country"] in ACCOUNTS_IN else ELSE_IN,
            "name": payer["name"],
            "email": payer["email"],
            "description": payer["description"],
            "customer_id": (payment.bank or {}).get("customer_id"),
            "metadata": labels(payment),
        },
    )  # fmt: skip


def bank_transfer_opened(tx: Tx, payment: Payment, call: ProviderCall, answer: BankTransfer) -> None:
    """Where the money is to be sent. Credited in the meantime: asked for anew."""
    if payment.captured_at is not None or payment.intent_id is not None:
        return
    payment.intent_id = answer.intent_id
    payment.bank = {
        **asdict(answer),
        "payer": _payer_of(call),
        "asked_minor": call.parameters["amount_minor"],
    }
    if payment.state == "created":
        payment.state = "open"
    if call.parameters["amount_minor"] != open_minor(payment) + payment.written_off_minor:
        _take_account_back(tx, payment)


def _payer_of(call: ProviderCall) -> dict[str, object]:
    said = call.parameters
    return {
        "name": said["name"], "email": said["email"], "country": said["country"],
        "description": said["description"],
    }  # fmt: skip


def _take_account_back(tx: Tx, payment: Payment) -> None:
    ask(tx, payment, "release", f"release/{payment.id}/{payment.intent_id}", {"intent_id": payment.intent_id})


def apply_bank_seen(tx: Tx, payment: Payment, seen: PaymentSeen) -> None:
    """What the provider says of a payment on terms: the money came, or its account was taken back."""
    payment.charge_id = payment.charge_id or seen.charge_id
    if payment.captured_at is not None or seen.intent_id != payment.intent_id:
        return
    if seen.state is PaymentState.CAPTURED:
        _paid(tx, payment, seen.captured_minor)
    elif seen.state in (PaymentState.CLOSED, PaymentState.RELEASED):
        _account_gone(tx, payment)


def _paid(tx: Tx, payment: Payment, minor: int) -> None:
    company_id, still_open = payment.payer_company_id, open_minor(payment)
    entries = postings.invoice_paid(
        minor, company_id, open_minor=still_open, written_off_minor=payment.written_off_minor
    )
    ledger.post(
        tx, source=payment.intent_id or str(payment.id), kind=ledger.INVOICE_PAID, subject=payment.subject,
        at=tx.now, entries=entries, why="invoice_paid",
    )  # fmt: skip
    payment.state, payment.captured_at, payment.captured_minor = "captured", tx.now, minor
    too_much = -dict(entries)[postings.owed(company_id)]
    if too_much:
        _send_back(tx, payment, too_much)
    tx.announce(PaymentCaptured(payment.id))


def _send_back(tx: Tx, payment: Payment, minor: int) -> None:
    payment.refunded_minor += minor
    refund = Refund(
        payment_id=payment.id, kind="overpaid", token=f"overpaid/{payment.id}", amount_minor=minor,
        currency=payment.currency, lines={}, after_share=False, why="overpaid", decided_at=tx.now,
    )  # fmt: skip
    tx.session.add(refund)
    tx.session.flush()  # Its id is the reference at the provider.
    ask_refund(tx, payment, refund)


def _account_gone(tx: Tx, payment: Payment) -> None:
    """Taken back: another is asked for, for what is left; nothing left, and it has ended."""
    payer = (payment.bank or {})["payer"]
    payment.intent_id, payment.state = None, "created"
    if open_minor(payment):
        _ask_for_the_rest(tx, payment, payer)
    else:
        payment.state, payment.ended_at = "closed", tx.now


def credit(tx: Tx, payment: Payment, refund: Refund) -> None:
    """Book a credit note on an unpaid invoice: nothing is sent, less is owed (after a write-off: given up).

    The account to send the rest to is replaced by one for what is left.
    """
    refund.state, refund.ended_at = "done", tx.now
    if payment.written_off_at is None:
        post_refund(tx, payment, refund, against=postings.owed_by(payment.payer_company_id))
    else:
        payment.written_off_minor -= refund.amount_minor
        post_refund(tx, payment, refund, against=postings.WRITE_OFFS)
    payment.credited_minor += refund.amount_minor
    if payment.state == "open":
        _take_account_back(tx, payment)


def write_off(tx: Tx, payment: Payment, *, why: str) -> int:
    """Give up what is open of an unpaid invoice; how much that was (minor units). Its share counts as arrived."""
    minor = open_minor(payment)
    payment.written_off_minor, payment.written_off_at = minor, tx.now
    ledger.post(
        tx, source=str(payment.id), kind=ledger.WRITTEN_OFF, subject=payment.subject, at=tx.now, why=why,
        entries=postings.written_off(minor, payment.payer_company_id),
    )  # fmt: skip
    return minor
