"""Answering a chargeback: evidence staged within minutes, sent once, by an operator or by the clock."""

from __future__ import annotations

import hashlib
import json
import logging
import uuid
from collections.abc import Mapping

import sqlalchemy as sa

from ...domain import chargebacks as law
from ...domain.chargebacks import BookedAs
from ...domain.errors import ChargebackRefused, NotFound, OwnCase, ReasonMissing
from ...domain.policy import Actor, may
from ...domain.words import clean_text
from ...storage.bookings import Booking
from ...storage.chargebacks import Chargeback
from ...storage.db import Database, Tx
from ...storage.experts import Expert
from ...storage.payments import Payment
from ..payments.chargebacks import ask_evidence, refund_loss
from ..payments.locking import lock_payment
from ..people import write_audit
from .pack import build_pack

log = logging.getLogger(__name__)
STATEMENT = 5000
REASON = 2000


def digest(evidence: Mapping[str, str]) -> str:
    """What a page showed, in short: it is sent only as it was seen."""
    return hashlib.sha256(json.dumps(evidence, sort_keys=True).encode()).hexdigest()[:32]


def stage(db: Database, chargeback_id: uuid.UUID, *, site: str) -> None:
    """Build the evidence and have the provider hold it unsent; the same again changes nothing."""
    with db.transaction() as tx:
        payment, row = _locked(tx, chargeback_id)
        if row.state in law.ANSWERABLE and row.sent_at is None:
            _build(tx, payment, row, site)


def _build(tx: Tx, payment: Payment, row: Chargeback, site: str) -> None:
    evidence = build_pack(tx.session, row, site=site)
    if evidence and evidence != row.evidence:
        row.evidence, row.staged_at = evidence, None
        ask_evidence(tx, payment, row, evidence, submit=False)


def save_statement(db: Database, actor: Actor, *, chargeback_id: uuid.UUID, words: str, site: str) -> None:
    """An operator's own words go first in the evidence, which is built anew. ChargebackRefused."""
    with db.transaction() as tx:
        payment, row = _for(tx, actor, chargeback_id)
        _refuse_unsendable(tx, row)
        row.statement = clean_text(words, STATEMENT)
        write_audit(tx, actor_id=actor.person_id, act="chargeback.stated", subject=row.provider_id)
        _build(tx, payment, row, site)


def send(db: Database, actor: Actor, *, chargeback_id: uuid.UUID, shown: str) -> None:
    """Send the evidence as the page showed it (`shown`, its digest): once, whoever clicks how often.

    Raises ChargebackRefused: sent already, over, too late, nothing to send, or built anew meanwhile.
    """
    with db.transaction() as tx:
        payment, row = _for(tx, actor, chargeback_id)
        _refuse_unsendable(tx, row)
        if not row.evidence:
            raise ChargebackRefused(why="empty")
        if digest(row.evidence) != shown:
            raise ChargebackRefused(why="changed")
        _send(tx, payment, row, by=actor.person_id)


def _send(tx: Tx, payment: Payment, row: Chargeback, *, by: uuid.UUID | None) -> None:
    row.sent_at, row.sent_by = tx.now, by
    write_audit(tx, actor_id=by, act="chargeback.sent", subject=row.provider_id)
    ask_evidence(tx, payment, row, row.evidence, submit=True)


def _refuse_unsendable(tx: Tx, row: Chargeback) -> None:
    if row.sent_at is not None:
        raise ChargebackRefused(why="sent")
    if row.state not in law.ANSWERABLE:
        raise ChargebackRefused(why="over")
    if not law.may_send(row.state, submitted=False, evidence_due=row.evidence_due, now=tx.now):
        raise ChargebackRefused(why="late")


def run_clock(db: Database, *, site: str) -> int:
    """Send what nobody sent, a day before its deadline, built anew; how many. One's failure stops no other."""
    now = db.clock()
    with db.reading() as session:
        due = session.scalars(
            sa.select(Chargeback.id).where(
                Chargeback.state.in_(law.ANSWERABLE), Chargeback.sent_at.is_(None),
                Chargeback.evidence_due > now, Chargeback.evidence_due <= now + law.SEND_BEFORE,
            )
        ).all()  # fmt: skip
    return sum(_send_by_clock(db, one, site) for one in due)


def _send_by_clock(db: Database, chargeback_id: uuid.UUID, site: str) -> bool:
    try:
        with db.transaction() as tx:
            payment, row = _locked(tx, chargeback_id)
            if row.sent_at is not None or not law.may_send(
                row.state, submitted=False, evidence_due=row.evidence_due, now=tx.now
            ):
                return False
            row.evidence = build_pack(tx.session, row, site=site) or row.evidence
            if not row.evidence:
                return False
            _send(tx, payment, row, by=None)
            return True
    except Exception:
        log.exception("the evidence for chargeback %s could not be sent", chargeback_id)
        return False


def say_otherwise(
    db: Database, actor: Actor, *, chargeback_id: uuid.UUID, booked_as: str, reason: str
) -> None:
    """An operator's word on how a loss is booked, with a reason: "refund" or "loss".

    Before the bank has decided, either; a loss that is booked can still become a refund, a refund no more.
    Raises ReasonMissing, ChargebackRefused, OwnCase.
    """
    if not booked_as:
        raise ChargebackRefused(why="choice")
    if booked_as not in tuple(BookedAs):
        raise NotFound
    with db.transaction() as tx:
        payment, row = _for(tx, actor, chargeback_id)
        why = clean_text(reason, REASON)
        if not why:
            raise ReasonMissing
        if row.booked_at is None and row.state not in law.UNDER_WAY and not row.to_book:
            raise ChargebackRefused(why="over")
        if row.booked_at is not None and booked_as != BookedAs.REFUND:
            raise ChargebackRefused(why="booked")
        row.if_lost, row.if_lost_by = booked_as, actor.person_id
        write_audit(
            tx, actor_id=actor.person_id, act=f"chargeback.{booked_as}", subject=row.provider_id, reason=why
        )
        if row.booked_at is not None and not refund_loss(tx, payment, row):
            raise ChargebackRefused(why="booked")


def _for(tx: Tx, actor: Actor, chargeback_id: uuid.UUID) -> tuple[Payment, Chargeback]:
    """Both, locked, for an operator who is on neither side of the booking. NotFound, OwnCase."""
    if not may("chargeback.answer", actor):
        raise NotFound
    payment, row = _locked(tx, chargeback_id)
    booking = tx.session.get(Booking, payment.subject)
    expert = tx.session.get_one(Expert, payment.payee_expert_id)
    if actor.person_id in (expert.person_id, booking.lead_id if booking else None):
        raise OwnCase
    return payment, row


def _locked(tx: Tx, chargeback_id: uuid.UUID) -> tuple[Payment, Chargeback]:
    row = tx.session.get(Chargeback, chargeback_id)
    if row is None:
        raise NotFound
    payment = lock_payment(tx, row.payment_id)
    tx.session.refresh(row)
    return payment, row
