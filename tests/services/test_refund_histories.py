"""Random histories of two sessions of one expert: refunds before and after the share, borne by us or by them,
failed, contested, brought back in part, set off, set against a chargeback, in any order.

The provider's words are told as the door would give them. After every step our own books hold; in the end every
account stands where a slow reckoning from the facts alone says, which knows neither the rows nor the postings.
"""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.domain.errors import RefundTooLarge
from marketplace.domain.pricing import BuyerTax, PlatformTax, Quote, SellerTax, quote
from marketplace.gateways.payments import PaymentState, RefundSeen, ReversalSeen, TransferSeen
from marketplace.services import ledger, payments
from marketplace.services.payments.carrying import _end, _outcome
from marketplace.services.payments.locking import lock_payment
from marketplace.services.payments.looking_again import may_go
from marketplace.services.payments.outcomes import apply_refund
from marketplace.services.payouts import _intend, schedule_transfer
from marketplace.storage.db import Database
from marketplace.storage.payments import Payment, ProviderCall, Refund
from marketplace.storage.payouts import Transfer
from tests import factories as make
from tests.clock import FakeClock
from tests.services.provider import TEXTS

LINES = ("price", "seller_vat", "service_fee", "vat_service_fee")


@dataclass
class Told:
    """The facts of one session, as they were told from outside. Minor units."""

    decided: Counter[str] = field(default_factory=Counter)  # Of the share's lines, by line.
    before: Counter[str] = field(default_factory=Counter)  # Of it, before the share was due.
    sent: int = 0
    reversed: int = 0
    arrived: int = 0  # At the buyer.
    owed: int = 0
    taken_by_bank: int = 0
    ours: int = 0
    share_due: bool = False
    left: bool = False  # The transfer has had its word.


class Session:
    """One payment on its way, and what the outside says to it."""

    def __init__(self, db: Database, seller: make.Seller, company_id: uuid.UUID, price: int) -> None:
        self.db, self.seller, self.told, self.subject = db, seller, Told(), uuid.uuid4()
        self.quote = quote(
            price, service_fee_bp=601, commission_bp=1_203, seller=SellerTax("FR"), buyer=BuyerTax("FR", "FR1"),
            platform=PlatformTax("FR", "FR0"),
        )  # fmt: skip
        with db.transaction() as tx:
            self.id = payments.open_payment(
                tx, subject=self.subject, company_id=company_id, expert_id=seller.expert.id, quote=self.quote,
                capture="automatic", texts=TEXTS,
            ).id  # fmt: skip
        make.provider_says(db, self.id, PaymentState.CAPTURED)
        self.number = 0

    def locked(self, act: Any) -> Any:
        with self.db.transaction() as tx:
            call = ProviderCall(payment_id=self.id)
            payment = lock_payment(tx, call.payment_id)
            return act(tx, payment)

    def open_call(self, kind: str) -> ProviderCall | None:
        with self.db.reading() as session:
            return session.scalars(
                sa.select(ProviderCall)
                .where(
                    ProviderCall.payment_id == self.id, ProviderCall.kind == kind,
                    ProviderCall.state.in_(("intended", "sent")),
                )
                .order_by(ProviderCall.id)
            ).first()  # fmt: skip

    def answer(self, call: ProviderCall, seen: Any) -> None:
        with self.db.transaction() as tx:
            payment = lock_payment(tx, call.payment_id)
            _end(tx, call.id, "done", provider_id=seen.id)
            _outcome(tx, payment, call, seen)

    # What may happen.

    def refund(self, n: int, *, ours: bool = False) -> None:
        left = {name: self.quote.lines[name] - self.told.decided[name] - 0 for name in LINES}
        lines = {name: minor * n // 100 for name, minor in left.items()}
        if not sum(lines.values()):
            return
        self.number += 1
        try:
            self.locked(
                lambda tx, payment: payments.decide_refund(
                    tx, payment, lines=lines, token=f"{self.id}/{self.number}", why="test", borne_by_us=ours
                )
            )
        except RefundTooLarge:
            return  # What we bore counts in the cap, line by line.
        if ours:
            self.told.ours += sum(lines.values())
            return
        self.told.decided.update(lines)
        if not self.told.share_due:
            self.told.before.update(lines)

    def share(self) -> None:
        if self.told.share_due:
            return

        def fall_due(tx: Any, payment: Payment) -> None:
            kept = payments.post_share_due(tx, payment)
            if kept:
                schedule_transfer(tx, payment, amount_minor=kept, due_at=tx.now, why="due")

        self.locked(fall_due)
        self.told.share_due = True

    def transfer(self, n: int) -> None:
        """Intended, or the provider's word on one that is: gone, or not."""
        call = self.open_call("transfer")
        if call is None:
            row = self.row
            if row is not None and row.state == "due":
                _intend(self.db, row.id)
                now = self.row
                assert now is not None
                self.told.left = now.state == "done"
            return
        if not may_go(self.db, None, call, None):  # type: ignore[arg-type]
            return
        if n % 4 == 0:
            with self.db.transaction() as tx:
                payment = lock_payment(tx, call.payment_id)
                _end(tx, call.id, "failed", error="balance_insufficient")
                payments.transferring.hold_up_transfer(tx, payment, "balance_insufficient")
            return
        minor = int(call.parameters["amount_minor"])
        account = str(call.parameters["account_id"])
        self.answer(call, TransferSeen(f"tr_{call.id.hex}", minor, 0, "EUR", account))
        self.told.sent, self.told.left = minor, True

    @property
    def row(self) -> Transfer | None:
        with self.db.reading() as session:
            return session.scalar(sa.select(Transfer).where(Transfer.payment_id == self.id))

    def comes_back(self, n: int) -> None:
        """The provider's word on a reversal: all of it, or the account held less."""
        call = self.open_call("reverse_transfer")
        if call is None:
            return
        wanted = int(call.parameters["amount_minor"])
        assert wanted <= self.told.sent - self.told.reversed
        if n >= 50:
            self.answer(call, ReversalSeen(f"trr_{call.id.hex}", "tr", wanted, "EUR"))
            self.told.reversed += wanted
            return
        with self.db.transaction() as tx:
            payment = lock_payment(tx, call.payment_id)
            row = tx.session.get_one(ProviderCall, call.id)
            _end(tx, call.id, "failed", error="balance_insufficient")
            payments.deciding.apply_reversal(tx, payment, row, 0, holds=wanted * n // 50)

    def word(self, n: int) -> None:
        """The provider's word on a refund that was sent."""
        call = self.open_call("refund")
        if call is None or self.frozen:
            return
        refund_id, minor = str(call.parameters["reference"]), int(call.parameters["amount_minor"])
        state, failure = ("done", None) if n >= 40 else ("pending", None) if n >= 30 else ("failed", None)
        if n < 10:
            failure = "charge_for_pending_refund_disputed"
        self.answer(call, RefundSeen(f"re_{refund_id}", state, minor, "EUR", failure=failure))
        self._count(state, failure, minor)

    def _count(self, state: str, failure: str | None, minor: int) -> None:
        if state == "done":
            self.told.arrived += minor
        elif state == "failed" and failure is None:
            self.told.owed += minor

    def late(self, n: int) -> None:
        """The provider's later word on a refund that is on its way or had arrived."""
        with self.db.reading() as session:
            refund = session.scalars(
                sa.select(Refund)
                .where(
                    Refund.payment_id == self.id, Refund.state.in_(("pending", "done")),
                    Refund.set_against.is_(None),
                )
                .order_by(Refund.id).offset(n % 3)
            ).first()  # fmt: skip
        if refund is None:
            return
        state, failure = ("failed", None) if n % 2 else ("failed", "charge_for_pending_refund_disputed")
        if refund.state == "pending" and n >= 50:
            state, failure = "done", None
        seen = RefundSeen(refund.provider_id or "", state, refund.amount_minor, "EUR", failure=failure)
        for _ in range(2):  # Each word may come twice.
            self.locked(lambda tx, payment: apply_refund(tx, payment, refund.id, seen))
        if refund.state == "done":
            self.told.arrived -= refund.amount_minor
        self._count(state, failure, refund.amount_minor)

    @property
    def frozen(self) -> bool:
        with self.db.reading() as session:
            return session.get_one(Payment, self.id).frozen_by is not None

    def freeze(self, by: str | None) -> None:
        def change(tx: Any, payment: Payment) -> None:
            payment.frozen_by = by
            tx.session.flush()
            payments.drive(tx, payment)

        self.locked(change)

    def lost(self, n: int) -> None:
        """A chargeback is lost: it took so much of what waited."""
        if not self.frozen:
            return
        minor = self.quote.total * n // 100
        rest = self.locked(lambda tx, payment: payments.set_waiting_against(tx, payment, "du_1", minor))
        self.told.taken_by_bank += minor - rest

    def settle(self) -> None:
        """Everything outside says its last word, kindly."""
        self.freeze(None)
        for _ in range(12):
            self.comes_back(100)
            self.word(100)
            for n in (51, 52, 53):
                with self.db.reading() as session:
                    pending = session.scalar(
                        sa.select(sa.func.count()).where(
                            Refund.payment_id == self.id, Refund.state == "pending"
                        )
                    )
                if pending:
                    self.late(n)
            self.transfer(1)


def part_of(quote: Quote, gone: Counter[str]) -> int:
    """The expert's share where `gone` of the lines went back: price and VAT less our commission on the price."""
    price = quote.price - gone["price"]
    return price + quote.seller_vat - gone["seller_vat"] - sum(commissions(quote, price))


def commissions(quote: Quote, price: int) -> tuple[int, int]:
    return quote.commission * price // quote.price, quote.vat_commission * price // quote.price


def reckoned(one: Session, expert: str, company: str) -> Counter[str]:
    """Where its accounts stand, from the facts alone, once all has been said. No posting is asked."""
    quote, told, sums = one.quote, one.told, Counter[str]()
    sent_back = sum(told.decided.values()) + told.ours
    sums["provider_balance"] = (
        quote.total - sent_back + told.owed + told.taken_by_bank - told.sent + told.reversed
    )
    sums["in_dispute"] = -told.taken_by_bank
    sums[f"buyer:{company}:owed"] = -told.owed
    sums["goodwill"] = told.ours
    sums["service_fee"] = -(quote.service_fee - told.decided["service_fee"])
    sums["vat:service_fee"] = -(quote.vat_service_fee - told.decided["vat_service_fee"])
    if not told.share_due:
        kept = quote.price + quote.seller_vat - told.decided["price"] - told.decided["seller_vat"]
        sums[f"held:{one.subject}"] = -kept
        return sums
    commission, vat = commissions(quote, quote.price - told.decided["price"])
    sums["commission"], sums["vat:commission"] = -commission, -vat
    # What is theirs less what they have: owed to them where nothing left yet, else by them (set-offs cancel out).
    sums[f"expert:{expert}"] = told.sent - told.reversed - part_of(quote, told.decided)
    return sums


STEP = st.tuples(
    st.sampled_from(
        ("refund", "refund", "ours", "share", "share", "transfer", "transfer", "transfer", "comes_back",
         "comes_back", "word", "word", "late", "freeze", "thaw", "lost")
    ),
    st.integers(0, 1),
    st.integers(1, 100),
)  # fmt: skip


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)  # fmt: skip
@given(
    steps=st.lists(STEP, min_size=4, max_size=18),
    prices=st.tuples(st.integers(20_000, 200_000), st.just(33_333)),
)
def test_every_account_ends_where_the_facts_say(
    db: Database, clock: FakeClock, steps: list[tuple[str, int, int]], prices: tuple[int, int]
) -> None:
    seller = make.seller(db)
    with db.transaction() as tx:
        tx.session.merge(seller.expert).account_id = f"acct_{uuid.uuid4().hex}"
    company = make.lead(db).company.id
    with db.reading() as session:
        start = Counter(ledger.balances(session))
    sessions = [Session(db, seller, company, price) for price in prices]
    for act, which, n in steps:
        clock.move(timedelta(hours=2))
        one = sessions[which]
        match act:
            case "refund":
                one.refund(n)
            case "ours":
                one.refund(n // 3, ours=True)
            case "share":
                one.share()
            case "transfer":
                one.transfer(n)
            case "comes_back":
                one.comes_back(n)
            case "word":
                one.word(n)
            case "late":
                one.late(n)
            case "freeze":
                one.freeze("du_1")
            case "thaw":
                one.freeze(None)
            case "lost":
                one.lost(n)
        holds(db, (act, which, n))
    for _ in range(3):
        clock.move(timedelta(hours=2))
        for one in sessions:
            one.settle()
        holds(db, ("settle", 0, 0))
    with db.reading() as session:
        now = Counter(ledger.balances(session))
        now.subtract(start)
    expert = str(seller.expert.id)
    expected = Counter[str]()
    for one in sessions:
        expected.update(reckoned(one, expert, str(company)))
    theirs = now.pop(f"expert:{expert}:payable", 0) + now.pop(f"expert:{expert}:receivable", 0)
    assert theirs == expected.pop(f"expert:{expert}", 0)
    assert {name: minor for name, minor in now.items() if minor} == {
        name: minor for name, minor in expected.items() if minor
    }


def holds(db: Database, after: object) -> None:
    with db.reading() as session:
        found = [one.text for one in ledger.check(session) if not one.shortfall]
    assert found == [], after
