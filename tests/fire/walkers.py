"""Each call to the provider, and the deed of the house that leads to it: how the stage is set, and what is done.

`WALKERS` names every kind of `carrying._CALLS` (test_points.py): a new kind without a walker fails the suite.
"""

from __future__ import annotations

import hmac
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from marketplace.domain.policy import Actor
from marketplace.services import bookings, disputes, payments, platform_payouts
from marketplace.services.payments.chargebacks import ask_evidence
from marketplace.services.payouts import run_due_transfers
from marketplace.storage.chargebacks import Chargeback
from marketplace.storage.companies import Company
from marketplace.storage.db import Database
from marketplace.storage.experts import Expert
from marketplace.storage.payments import InboxEvent, Payment, ProviderCall
from marketplace.storage.payouts import Transfer
from marketplace.storage.people import Person
from tests import factories as make
from tests.clock import FakeClock
from tests.services.provider import HOOK, Provider

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# No call of ours but the provider's to us, walked by the same points.
EVENT = "event"
# Our own money to our bank is an intent of its own table.
PAY_OUT = "pay_out"


@dataclass
class Stage:
    """The parent's side: the records, the provider, the clock they share, and one booking at a time."""

    db: Database
    clock: FakeClock
    provider: Provider

    def booking(self) -> make.Made:
        made = make.booking(self.db)
        make.write_brief(self.db, made)
        with self.db.transaction() as tx:
            tx.session.get_one(Expert, made.seller.expert.id).account_id = self.provider.account()
        return made

    def pay(self, made: make.Made) -> None:
        """The buyer's click there; here nobody has heard of it yet."""
        self.provider.pay(make.payment_of(self.db, made))

    def carry(self, made: make.Made) -> None:
        carry_all(self.db, self.provider.gateway, made.id)


def carry_all(db: Database, gateway: Any, booking_id: uuid.UUID) -> None:
    """The jobs: what is intended for this booking is carried out, and what follows from that."""
    for _ in range(5):
        with db.reading() as session:
            calls = session.scalars(
                sa.select(ProviderCall.id)
                .join(Payment, Payment.id == ProviderCall.payment_id)
                .where(Payment.subject == booking_id, ProviderCall.state.in_(("intended", "sent")))
                .where(ProviderCall.kind != "open_checkout")
                .order_by(ProviderCall.id)
            ).all()
        if not calls:
            return
        for call_id in calls:
            payments.carry_out(db, gateway, call_id)


# --- Setting the stage: in the parent, nothing is killed -------------------------------------------


def held(stage: Stage) -> make.Made:
    return stage.booking()


def opened(stage: Stage) -> make.Made:
    made = held(stage)
    _open(stage.db, stage.provider.gateway, made)
    return made


def paid(stage: Stage) -> make.Made:
    made = opened(stage)
    stage.pay(made)
    return made


def requested(stage: Stage) -> make.Made:
    made = paid(stage)
    payments.refresh(stage.db, stage.provider.gateway, make.payment_of(stage.db, made).id)
    return made


def confirmed(stage: Stage) -> make.Made:
    made = requested(stage)
    make.accept(stage.db, made)
    stage.carry(made)
    return made


def late(stage: Stage, made: make.Made) -> None:
    """So near that cancelling gives back but a part."""
    stage.clock.move_to(max(stage.clock(), make.read(stage.db, made).starts_at - 30 * HOUR))


def half_kept(stage: Stage) -> make.Made:
    """Cancelled late: part has gone back, part is the expert's."""
    made = confirmed(stage)
    late(stage, made)
    _cancel(stage.db, stage.provider.gateway, made)
    stage.carry(made)
    return made


def share_due(stage: Stage) -> make.Made:
    """What is kept is to be transferred, on a day that comes when it is this booking's turn."""
    made = half_kept(stage)
    stage.clock.move_to(max(stage.clock(), make.read(stage.db, made).deadline or stage.clock()))
    bookings.run_clock(stage.db, stage.provider.gateway)
    _due(stage, made, 300 * DAY)
    return made


def due_now(stage: Stage, made: make.Made) -> None:
    _due(stage, made, timedelta(0))


def _due(stage: Stage, made: make.Made, later: timedelta) -> None:
    with stage.db.transaction() as tx:
        tx.session.execute(
            sa.update(Transfer).where(Transfer.subject == made.id).values(due_at=tx.now + later)
        )


def transferred(stage: Stage) -> make.Made:
    made = share_due(stage)
    due_now(stage, made)
    assert run_due_transfers(stage.db, stage.provider.gateway) == 1
    return made


def asked_on_terms(stage: Stage) -> make.Made:
    """A request of a company on terms: with the expert's yes it owes, and an account to pay to is asked for."""
    made = stage.booking()
    with stage.db.transaction() as tx:
        tx.session.get_one(Company, made.lead.company.id).terms_since = tx.now
    bookings.commit_on_terms(
        stage.db, made.lead.actor, booking_id=made.id, accepted=make.DOCUMENTS, platform=make.PLATFORM,
        token="commit",
    )  # fmt: skip
    return made


def contested(stage: Stage) -> make.Made:
    """The payer's bank has taken the money back, and we know of it."""
    made = confirmed(stage)
    payment = make.payment_of(stage.db, made)
    stage.provider.dispute(payment.charge_id)
    payments.refresh(stage.db, stage.provider.gateway, payment.id, disputed=True)
    return made


def earned(stage: Stage) -> make.Made:
    """Some of the balance is ours alone."""
    made = confirmed(stage)
    payments.refresh(stage.db, stage.provider.gateway, make.payment_of(stage.db, made).id)
    stage.provider.settle()
    return made


# --- The deeds: in the child, which is killed --------------------------------------------------------


def _open(db: Database, gateway: Any, made: make.Made) -> None:
    payment_id = bookings.open_payment(
        db, made.lead.actor, booking_id=made.id, accepted=make.DOCUMENTS, texts=make.TEXTS,
        platform=make.PLATFORM, ready=payments.platform_ready(gateway),
    )  # fmt: skip
    payments.checkout_url(db, gateway, payment_id)


def _let_go(db: Database, gateway: Any, made: make.Made) -> None:
    bookings.let_go(db, made.lead.actor, booking_id=made.id, token="let-go")


def _accept(db: Database, gateway: Any, made: make.Made) -> None:
    make.accept(db, made)


def _decline(db: Database, gateway: Any, made: make.Made) -> None:
    bookings.decline(db, made.seller.actor, booking_id=made.id, reason="no_time", token="decline")


def _cancel(db: Database, gateway: Any, made: make.Made) -> None:
    bookings.cancel(
        db, made.lead.actor, booking_id=made.id, side="lead", reason="it must be", expected_minor=None,
        token="cancel",
    )  # fmt: skip


def _transfer(db: Database, gateway: Any, made: make.Made) -> None:
    """The clockwork's pass over what is due; only this booking's share is."""
    run_due_transfers(db, gateway)


def _refund(db: Database, gateway: Any, made: make.Made) -> None:
    """An operator gives part of what has been paid out back, borne by the expert."""
    disputes.refund_later(
        db, operator(db), booking_id=made.id, amount_minor=12_000, borne_by="expert", reason="agreed",
        second_above=100_000, token="refund",
    )  # fmt: skip


def _send_evidence(db: Database, gateway: Any, made: make.Made) -> None:
    payment = make.payment_of(db, made)
    with db.transaction() as tx:
        row = tx.session.scalars(sa.select(Chargeback).where(Chargeback.payment_id == payment.id)).one()
        locked = tx.session.get_one(Payment, payment.id, with_for_update=True)
        ask_evidence(tx, locked, row, {"product_description": "A session"}, submit=True)


def _pay_out(db: Database, gateway: Any, made: make.Made) -> None:
    platform_payouts.propose(
        db, gateway, operator(db), amount_minor=100, seen_minor=100, second_above=100_000, token=str(made.id)
    )


def operator(db: Database) -> Actor:
    """The one there is."""
    with db.reading() as session:
        return Actor(session.scalars(sa.select(Person.id).where(Person.operator)).one(), operator=True)


def _told(db: Database, gateway: Any, made: make.Made) -> None:
    """The provider posts what happened: as the web takes it, then as the job applies it."""
    for body in posted_about(db, made):
        stamp = str(int(time.time()))
        signed = hmac.new(HOOK.encode(), f"{stamp}.".encode() + body, sha256).hexdigest()
        event = gateway.parse_event(body, f"t={stamp},v1={signed}")
        if not payments.receive_event(db, event, body):
            continue
        with db.reading() as session:
            kept = session.scalar(sa.select(InboxEvent.id).where(InboxEvent.event_id == event.id))
        payments.apply_event(db, gateway, kept or event.id)  # type: ignore[arg-type]


def posted_about(db: Database, made: make.Made) -> list[bytes]:
    """The provider's messages about a booking's payment, oldest first."""
    reference = make.payment_of(db, made).reference
    with db.reading() as session:
        rows = session.scalars(sa.text("select event from sandbox.deliveries order by made")).all()
    return [json.dumps(row).encode() for row in rows if reference in json.dumps(row)]


def _still(stage: Stage, made: make.Made) -> None:
    """It is anybody's turn."""


@dataclass(frozen=True)
class Walker:
    """One deed that leads to a call of this kind.

    `ready` sets the stage, `turn` (in the parent, just before the deed) makes it this booking's turn, `act` is
    the deed. `again`: the person presses again after the house fell over; else the sweep must be enough.
    """

    kind: str
    ready: Callable[[Stage], make.Made]
    act: Callable[[Database, Any, make.Made], None]
    turn: Callable[[Stage, make.Made], None] = _still
    again: bool = False
    # The call asks the provider twice.
    twice: bool = False
    # There is one such deed at a time: each is swept before the next.
    alone: bool = False


WALKERS: dict[str, Walker] = {
    "open_checkout": Walker("open_checkout", held, _open, again=True),
    "close_checkout": Walker("close_checkout", opened, _let_go),
    "close_paid_checkout": Walker("close_checkout", paid, _let_go),
    "capture": Walker("capture", requested, _accept),
    "release": Walker("release", requested, _decline),
    "refund": Walker("refund", confirmed, _cancel, turn=late),
    "transfer": Walker("transfer", share_due, _transfer, turn=due_now),
    "reverse_transfer": Walker("reverse_transfer", transferred, _refund),
    "refund_of_transferred": Walker("refund", transferred, _refund),
    "open_bank_transfer": Walker("open_bank_transfer", asked_on_terms, _accept, twice=True),
    "submit_evidence": Walker("submit_evidence", contested, _send_evidence),
    "pay_out": Walker(PAY_OUT, earned, _pay_out, alone=True),
    "event": Walker(EVENT, paid, _told),
}
