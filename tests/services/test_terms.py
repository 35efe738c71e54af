"""Company terms: an invoice owed, paid by bank transfer, credited, written off; and the bookings on them.

Against the sandbox over HTTP; no screen leads here before terms are granted (the companies issue).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.domain import postings
from marketplace.domain.errors import MoveNotOpen, ProviderBusy, ReasonMissing, RefundTooLarge
from marketplace.domain.pricing import Quote
from marketplace.services import bookings, ledger, payments
from marketplace.services.bookings import run_clock
from marketplace.services.payouts import run_due_transfers
from marketplace.storage.bookings import Booking, BookingMove
from marketplace.storage.companies import Company
from marketplace.storage.db import Database
from marketplace.storage.payments import Payment, ProviderCall
from marketplace.storage.payouts import Transfer
from sandbox import bank
from tests import factories as make
from tests.clock import FakeClock
from tests.services.provider import Money, Provider

DAY = timedelta(days=1)
PAYER = payments.Payer(
    name="Ateliers Nord", email="compta@nord.test", country="FR", description="D-1", labels={"booking": "D-1"}
)


class Owed(Money):
    """A company's invoice, walked through the real services."""

    def invoice(self) -> Payment:
        with self.db.transaction() as tx:
            payment = payments.invoice(
                tx, subject=self.subject, company_id=self.company.id, expert_id=self.seller.expert.id,
                quote=self.quote(), payer=PAYER,
            )  # fmt: skip
            made = payment.id
        self.settle()
        return self.read(made)

    def settle(self) -> None:
        """Carry out what was written down, until nothing is left."""
        settle(self.db, self.provider)

    def arrives(self, payment: Payment, minor: int) -> Payment:
        """The company sends so much; the provider's word is applied."""
        arrives(self.db, self.provider, payment, minor)
        return self.read(payment.id)

    def credit(self, payment: Payment, percent: int, token: str = "c") -> None:
        self.refund(payment, percent, token)
        self.settle()

    def books(self) -> dict[str, int]:
        """Every account that is not empty, without the provider's fee."""
        with self.db.reading() as session:
            found: dict[str, int] = {}
            for group in ledger.entries_of(session, self.subject):
                for account, minor in group.entries:
                    found[account] = found.get(account, 0) + minor
        found["provider_balance"] = found.get("provider_balance", 0) + found.pop("provider_fees", 0)
        named = {self.company.id.hex: "company", self.seller.expert.id.hex: "expert", self.subject.hex: "it"}
        short = {name: minor for name, minor in found.items() if minor}
        for key, word in named.items():
            short = {name.replace("-", "").replace(key, word): minor for name, minor in short.items()}
        return short

    def check(self) -> list[ledger.Finding]:
        """What does not hold. A debt given up leaves a shortfall: our own funds have to stand in."""
        with self.db.reading() as session:
            return [one for one in ledger.check(session) if not one.shortfall]


def settle(db: Database, provider: Provider) -> None:
    for _ in range(8):
        with db.reading() as session:
            waiting = session.scalars(
                sa.select(ProviderCall.id).where(ProviderCall.state.in_(("intended", "sent"))).order_by(ProviderCall.id)
            ).all()  # fmt: skip
        if not waiting:
            return
        for call_id in waiting:
            payments.carry_out(db, provider.gateway, call_id)
    raise AssertionError("calls are written without end")


def arrives(db: Database, provider: Provider, payment: Payment, minor: int) -> None:
    assert payment.bank is not None
    with provider.store.transaction() as books:
        bank.arrives(books, payment.bank["customer_id"], minor, payment.bank["payment_reference"])
    payments.refresh(db, provider.gateway, payment.id)
    settle(db, provider)


@pytest.fixture
def owed(db: Database, provider: Provider) -> Owed:
    return Owed(db, provider)


TOTAL = 152_640  # The worked example: 1 200.00 and its VAT, the service fee and its VAT.


class TestInvoice:
    def test_it_is_owed_from_the_yes_on_and_has_an_account_to_be_sent_to(self, owed: Owed) -> None:
        payment = owed.invoice()
        assert owed.books() == {
            "buyer:company:receivable": TOTAL, "held:it": -144_000, "service_fee": -7_200, "vat:service_fee": -1_440,
        }  # fmt: skip
        assert payment.state == "open"
        assert payment.bank is not None
        assert payment.bank["iban"].startswith("FR")
        assert payment.bank["asked_minor"] == TOTAL
        assert owed.check() == []

    def test_the_money_comes(self, owed: Owed) -> None:
        payment = owed.arrives(owed.invoice(), TOTAL)
        assert (payment.state, payment.captured_minor) == ("captured", TOTAL)
        assert owed.books() == {
            "provider_balance": TOTAL, "held:it": -144_000, "service_fee": -7_200, "vat:service_fee": -1_440,
        }  # fmt: skip
        assert owed.check() == []

    def test_part_of_it_is_not_yet_it(self, owed: Owed) -> None:
        payment = owed.arrives(owed.invoice(), 50_000)
        assert payment.captured_at is None
        assert owed.books()["buyer:company:receivable"] == TOTAL
        assert owed.arrives(payment, TOTAL - 50_000).state == "captured"
        assert "buyer:company:receivable" not in owed.books()

    def test_a_lost_reply_asks_for_one_account_only(self, owed: Owed, provider: Provider) -> None:
        with owed.db.transaction() as tx:
            payments.invoice(
                tx, subject=owed.subject, company_id=owed.company.id, expert_id=owed.seller.expert.id,
                quote=owed.quote(), payer=PAYER,
            )  # fmt: skip
        provider.wire.faults.append("lost_reply")
        with pytest.raises(ProviderBusy):
            owed.carry("open_bank_transfer")
        owed.settle()
        assert len(provider.objects("payment_intent")) == len(provider.objects("customer")) == 1


class TestCreditNotes:
    def test_half_of_it_is_owed_no_more_and_another_account_asks_for_the_rest(self, owed: Owed) -> None:
        payment = owed.invoice()
        first = payment.intent_id
        owed.credit(payment, 50)
        payment = owed.read(payment.id)
        assert payment.credited_minor == TOTAL // 2
        assert payment.intent_id != first
        assert payment.bank is not None
        assert payment.bank["asked_minor"] == TOTAL // 2
        assert owed.books()["buyer:company:receivable"] == TOTAL // 2
        assert owed.check() == []
        payment = owed.arrives(payment, TOTAL // 2)
        assert payment.state == "captured"
        assert owed.books()["provider_balance"] == TOTAL // 2
        assert owed.check() == []

    def test_all_of_it_ends_the_payment(self, owed: Owed) -> None:
        payment = owed.invoice()
        owed.credit(payment, 100)
        assert owed.read(payment.id).state == "closed"
        assert owed.books() == {}
        assert owed.check() == []

    def test_more_than_is_left_is_refused(self, owed: Owed) -> None:
        payment = owed.invoice()
        owed.credit(payment, 60)
        with pytest.raises(RefundTooLarge):
            owed.refund(owed.read(payment.id), 50, "again")

    def test_money_that_comes_all_the_same_goes_back_at_once(self, owed: Owed, provider: Provider) -> None:
        payment = owed.invoice()
        owed.refund(payment, 25)  # Decided, and its account not yet taken back.
        with provider.store.transaction() as books:
            assert payment.bank is not None
            bank.arrives(books, payment.bank["customer_id"], TOTAL, payment.bank["payment_reference"])
        owed.settle()
        owed.settle()
        payment = owed.read(payment.id)
        assert payment.captured_minor == TOTAL
        assert {refund.kind for refund in owed.refunds()} == {"credit_note", "overpaid"}
        assert "buyer:company:receivable" not in owed.books()
        assert owed.check() == []

    def test_after_the_money_came_it_is_a_refund_like_any_other(self, owed: Owed) -> None:
        payment = owed.arrives(owed.invoice(), TOTAL)
        owed.credit(payment, 50)
        (refund,) = owed.refunds()
        assert refund.kind == "refund"
        assert refund.provider_id is not None
        assert owed.check() == []


class TestWriteOff:
    def test_it_is_given_up_and_what_comes_later_is_taken_off_it(self, owed: Owed) -> None:
        payment = owed.invoice()
        with owed.locked(payment) as (tx, row):
            assert payments.write_off(tx, row, why="insolvent") == TOTAL
        assert owed.books()["write_offs"] == TOTAL
        assert "buyer:company:receivable" not in owed.books()
        assert owed.check() == []
        owed.arrives(owed.read(payment.id), TOTAL)
        assert "write_offs" not in owed.books()
        assert owed.books()["provider_balance"] == TOTAL
        assert owed.check() == []

    def test_a_credit_note_after_it_takes_from_what_was_given_up(self, owed: Owed) -> None:
        payment = owed.invoice()
        with owed.locked(payment) as (tx, row):
            payments.write_off(tx, row, why="insolvent")
        owed.credit(payment, 50)
        assert owed.books()["write_offs"] == TOTAL // 2
        assert owed.check() == []


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    deeds=st.lists(
        st.one_of(
            st.tuples(st.just("credit"), st.integers(1, 60)),
            st.just(("share", 0)),
            st.just(("write_off", 0)),
            st.just(("pay", 0)),
        ),
        max_size=6,
    )
)
def test_whatever_happens_in_whatever_order_each_account_ends_where_it_should(
    db: Database, provider: Provider, deeds: list[tuple[str, int]]
) -> None:
    """Against sums made here, by hand: what is credited, given up and paid of one invoice."""
    owed = Owed(db, provider)
    payment = owed.invoice()
    quote = Quote.from_dict(payment.quote)
    credited, written_off, paid, too_much, shared = 0, 0, 0, 0, False
    for number, (what, percent) in enumerate(deeds):
        payment = owed.read(payment.id)
        if what == "credit":
            lines = {name: minor * percent // 100 for name, minor in quote.lines.items()}
            try:
                owed.credit(payment, percent, str(number))
            except RefundTooLarge:
                continue
            amount = sum(lines.values())
            if not paid:
                credited += amount
                written_off -= min(written_off, amount)
        elif what == "share" and not shared:
            owed.share_due(payment)
            shared = True
        elif what == "write_off" and not paid and not written_off and payments.open_minor(payment):
            with owed.locked(payment) as (tx, row):
                written_off = payments.write_off(tx, row, why="gone")
        elif what == "pay" and not paid and payment.bank is not None and payment.state == "open":
            paid = payment.bank["asked_minor"]
            owed.arrives(payment, paid)
            too_much = max(0, paid - (TOTAL - credited))
            written_off = max(0, written_off - paid)
        assert owed.check() == []
    books = owed.books()
    assert books.get("buyer:company:receivable", 0) == (0 if paid else TOTAL - credited - written_off)
    # A refund of a bank transfer waits until the company says where to: the provider's own word counts.
    mine = [
        one for one in provider.objects("refund") if one["payment_intent"] == owed.read(payment.id).intent_id
    ]
    back = sum(one["amount"] for one in mine if one["status"] == "succeeded")
    assert books.get("provider_balance", 0) == paid - back
    assert -books.get("buyer:company:owed", 0) == (0 if too_much <= back else too_much)
    assert books.get("write_offs", 0) == written_off


# Bookings on terms.


def on_terms(db: Database, provider: Provider, **more: Any) -> make.Made:
    """A booking confirmed on the company's terms, with its account at the provider."""
    made = make.booking(db, days_ahead=20, **more)
    make.write_brief(db, made)
    with db.transaction() as tx:
        tx.session.get_one(Company, made.lead.company.id).terms_since = tx.now
        expert = tx.session.merge(made.seller.expert)
        expert.account_id, expert.account_status = provider.account(), "active"
    bookings.commit_on_terms(
        db, made.lead.actor, booking_id=made.id, accepted=make.DOCUMENTS, platform=make.PLATFORM, token="c"
    )
    make.accept(db, made)
    settle(db, provider)
    return made


def held_through(db: Database, clock: FakeClock, provider: Provider, made: make.Made) -> Booking:
    """The session takes place, and the window passes."""
    booking = make.read(db, made)
    clock.now = booking.ends_at + timedelta(minutes=1)
    run_clock(db, provider.gateway)
    clock.now = clock() + 4 * DAY
    run_clock(db, provider.gateway)
    return make.read(db, made)


def transfers(db: Database, made: make.Made) -> list[Transfer]:
    with db.reading() as session:
        return list(session.scalars(sa.select(Transfer).where(Transfer.subject == made.id)))


def moves(db: Database, made: make.Made) -> list[str]:
    with db.reading() as session:
        return list(
            session.scalars(
                sa.select(BookingMove.move).where(BookingMove.booking_id == made.id).order_by(BookingMove.id)
            )
        )


def holds(db: Database) -> None:
    with db.reading() as session:
        assert [one for one in ledger.check(session) if not one.shortfall] == []


def test_the_expert_is_paid_when_the_company_has_paid(
    db: Database, clock: FakeClock, provider: Provider
) -> None:
    made = on_terms(db, provider)
    payment = make.payment_of(db, made)
    assert payment.method == "bank_transfer"
    assert payment.state == "open"
    assert held_through(db, clock, provider, made).state == "completed"
    assert transfers(db, made) == []
    holds(db)
    arrives(db, provider, payment, payment.amount_minor)
    assert make.read(db, made).captured_at == clock()
    (transfer,) = transfers(db, made)
    assert transfer.amount_minor == Quote.from_dict(payment.quote).expert_share
    assert "invoice_paid" in moves(db, made)
    holds(db)


def test_called_off_before_it_is_paid_less_is_owed(
    db: Database, clock: FakeClock, provider: Provider
) -> None:
    made = on_terms(db, provider)
    bookings.cancel(
        db, made.lead.actor, booking_id=made.id, side="lead", reason="", expected_minor=None, token="x"
    )
    settle(db, provider)
    payment = make.payment_of(db, made)
    assert (payment.credited_minor, payment.state) == (payment.amount_minor, "closed")
    clock.now = clock() + 4 * DAY
    run_clock(db, provider.gateway)
    assert make.read(db, made).share_posted_at is not None
    holds(db)


def test_a_debt_is_given_up_forty_days_after_and_the_expert_is_paid_all_the_same(
    db: Database, clock: FakeClock, provider: Provider
) -> None:
    made, boss = on_terms(db, provider), make.operator(db)
    give_up = {"booking_id": made.id, "reason": "In liquidation since May.", "token": "w"}
    with pytest.raises(MoveNotOpen):
        bookings.write_off_invoice(db, boss, **give_up)
    booking = held_through(db, clock, provider, made)
    with pytest.raises(MoveNotOpen):
        bookings.write_off_invoice(db, boss, **give_up)
    clock.now = booking.ends_at + 40 * DAY
    with pytest.raises(ReasonMissing):
        bookings.write_off_invoice(db, boss, **give_up | {"reason": " "})
    bookings.write_off_invoice(db, boss, **give_up)
    bookings.write_off_invoice(db, boss, **give_up)
    (transfer,) = transfers(db, made)
    assert transfer.amount_minor == Quote.from_dict(make.payment_of(db, made).quote).expert_share
    clock.now = transfer.due_at
    assert run_due_transfers(db, provider.gateway) == 0
    assert transfers(db, made)[0].held_up_by == "own_funds"
    provider.spend(-200_000)  # Somebody topped the balance up.
    clock.now += DAY
    assert run_due_transfers(db, provider.gateway) == 1
    (sent,) = provider.objects("transfer")
    assert sent["source_transaction"] is None
    assert sent["amount"] == transfer.amount_minor
    with db.reading() as session:
        assert ledger.balance(session, postings.WRITE_OFFS) == make.payment_of(db, made).amount_minor
    assert moves(db, made).count("written_off") == 1
    holds(db)
