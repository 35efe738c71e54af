"""Disputes at the payer's bank, against the sandbox over HTTP: frozen, answered, and in the books as law has it."""

from __future__ import annotations

import random
import uuid
from datetime import timedelta

import pytest
import sqlalchemy as sa

from marketplace.services import bookings, disputes, ledger, payments
from marketplace.services.disputes import Words
from marketplace.services.payouts import run_due_transfers
from marketplace.storage.chargebacks import Chargeback
from marketplace.storage.db import Database
from marketplace.storage.experts import Expert
from marketplace.storage.payments import InboxEvent, Payment, ProviderCall, Refund
from marketplace.storage.payouts import Transfer
from tests import factories as make
from tests.clock import FakeClock
from tests.services.provider import Provider

DAY = timedelta(days=1)


class Case:
    """A booking that was paid for, and what its payer's bank does."""

    def __init__(self, db: Database, clock: FakeClock, provider: Provider) -> None:
        self.db, self.clock, self.provider = db, clock, provider
        self.made = make.booking(db, days_ahead=12)
        make.write_brief(db, self.made)
        with db.transaction() as tx:
            tx.session.get_one(Expert, self.made.seller.expert.id).account_id = provider.account()
        self.payment_id = bookings.open_payment(
            db, self.made.lead.actor, booking_id=self.made.id, accepted=make.DOCUMENTS, texts=make.TEXTS,
            platform=make.PLATFORM, ready=True, address="192.0.2.7",
        )  # fmt: skip
        payments.checkout_url(db, provider.gateway, self.payment_id)
        provider.pay(self.payment)
        self.sweep()
        make.accept(db, self.made)
        self.sweep()
        assert self.state == "confirmed"
        provider.settle()

    @property
    def payment(self) -> Payment:
        with self.db.reading() as session:
            return session.get_one(Payment, self.payment_id)

    @property
    def state(self) -> str:
        return make.read(self.db, self.made).state

    def frozen(self) -> str | None:
        return self.payment.frozen_by

    @property
    def total(self) -> int:
        return self.payment.amount_minor

    def sweep(self, rounds: int = 3) -> None:
        for _ in range(rounds):
            self.clock.move(timedelta(seconds=30))
            payments.sweep(self.db, self.provider.gateway)
            run_due_transfers(self.db, self.provider.gateway)

    def contested(self, kind: str = "chargeback", **how: object) -> str:
        found = self.provider.dispute(self.payment.charge_id, kind, **how)
        self.sweep(1)
        return found

    def decided(self, dispute: str, won: bool, **how: bool) -> None:
        self.provider.decide(dispute, won, **how)
        self.sweep()

    def ended(self) -> None:
        """The session's end passes."""
        self.clock.move_to(make.read(self.db, self.made).ends_at)
        bookings.run_clock(self.db, self.provider.gateway)

    def completed(self) -> None:
        self.ended()
        bookings.confirm(self.db, self.made.lead.actor, booking_id=self.made.id, token="confirm")

    def transferred(self) -> None:
        self.completed()
        self.clock.move(8 * DAY)
        self.sweep()
        assert self.transfer.state == "done"

    def operator_refunds(self, minor: int) -> None:
        disputes.refund_later(
            self.db, make.operator(self.db), booking_id=self.made.id, amount_minor=minor, borne_by="expert",
            reason="r", second_above=10**9, token=str(uuid.uuid4()),
        )  # fmt: skip

    @property
    def transfer(self) -> Transfer:
        with self.db.reading() as session:
            return session.scalars(sa.select(Transfer).where(Transfer.payment_id == self.payment_id)).one()

    def refunds(self) -> list[Refund]:
        with self.db.reading() as session:
            return list(
                session.scalars(
                    sa.select(Refund).where(Refund.payment_id == self.payment_id).order_by(Refund.id)
                )
            )

    def chargebacks(self) -> list[Chargeback]:
        with self.db.reading() as session:
            return list(
                session.scalars(
                    sa.select(Chargeback)
                    .where(Chargeback.payment_id == self.payment_id)
                    .order_by(Chargeback.id)
                )
            )

    def others_pay(self) -> None:
        """Another booking's money: the balance covers what the bank took."""
        Case(self.db, self.clock, self.provider)

    def books(self, *, of_others: bool = True) -> dict[str, int]:
        """Our balances by account, those of this booking and of its parties by a short name; checked.

        Without others': only the entries about this booking.
        """
        short = {
            f"held:{self.made.id}": "held",
            f"expert:{self.made.seller.expert.id}:payable": "payable",
            f"expert:{self.made.seller.expert.id}:receivable": "receivable",
            f"buyer:{self.made.lead.company.id}:owed": "owed",
        }
        with self.db.reading() as session:
            assert [one.text for one in ledger.check(session) if not one.shortfall] == []
            found = {
                short.get(name, name): minor for name, minor in ledger.balances(session).items() if minor
            }
            own: dict[str, int] = {}
            for group in ledger.entries_of(session, self.made.id):
                for account, minor in group.entries:
                    own[short.get(account, account)] = own.get(short.get(account, account), 0) + minor
        assert found.get("provider_balance", 0) == self.provider.balance()
        return found if of_others else {name: minor for name, minor in own.items() if minor}


@pytest.fixture
def case(db: Database, clock: FakeClock, provider: Provider) -> Case:
    return Case(db, clock, provider)


def test_a_dispute_freezes_the_payment_and_takes_the_money(case: Case) -> None:
    before = case.books()["provider_balance"]
    dispute = case.contested()
    assert case.frozen() == dispute
    books = case.books()
    assert books["in_dispute"] == case.total
    assert books["provider_balance"] == before - case.total - 1500
    [row] = case.chargebacks()
    assert (row.state, row.taken_minor, row.fee_minor) == ("open", case.total, 1500)
    assert row.evidence_due is not None


def test_what_waited_goes_on_when_it_is_won(case: Case) -> None:
    case.completed()
    dispute = case.contested(amount=10_000)
    case.operator_refunds(5_000)
    case.clock.move(8 * DAY)
    case.sweep()
    [refund] = case.refunds()
    assert (refund.state, refund.waits_for) == ("intended", "chargeback")
    assert case.transfer.held_up_by == "frozen"
    case.decided(dispute, True, fee_returns=True)
    case.clock.move(timedelta(hours=1))
    case.sweep()
    assert case.frozen() is None
    assert case.refunds()[0].state == "done"
    assert case.transfer.state == "done"
    books = case.books()
    assert not {"in_dispute", "held", "payable"} & set(books)


def test_a_fee_that_is_not_returned_stays_ours(case: Case) -> None:
    fee = case.books()["provider_fees"]
    case.decided(case.contested(), True)
    assert case.books()["provider_fees"] == fee + 1500
    assert "in_dispute" not in case.books()


def test_an_inquiry_moves_nothing_and_freezes_all_the_same(case: Case) -> None:
    before = case.books()
    inquiry = case.contested("inquiry")
    assert case.frozen() == inquiry
    assert case.books() == before
    case.provider.closes(inquiry)
    case.sweep(1)
    assert case.frozen() is None
    assert case.books() == before
    assert case.chargebacks()[0].state == "inquiry_closed"


def test_an_inquiry_becomes_a_dispute(case: Case) -> None:
    inquiry = case.contested("inquiry")
    case.provider.escalate(inquiry)
    case.sweep(1)
    [row] = case.chargebacks()
    assert (row.state, row.taken_minor, row.submitted_at) == ("open", case.total, None)
    case.decided(inquiry, False)
    assert case.state == "cancelled"
    assert "in_dispute" not in case.books()


def test_a_prevented_one_moves_nothing(case: Case) -> None:
    before = case.books()
    case.contested("prevented")
    assert case.frozen() is None
    assert case.books() == before
    assert case.state == "confirmed"


def test_one_settled_by_giving_the_money_back_is_booked_as_what_the_provider_did(case: Case) -> None:
    case.contested("resolved")
    case.sweep()
    assert case.chargebacks()[0].state == "prevented"
    assert case.state == "cancelled"
    books = case.books()
    assert set(books) == {"provider_balance", "provider_fees"}
    assert case.payment.refunded_minor == case.total


def test_lost_before_the_start_calls_the_booking_off(case: Case) -> None:
    case.decided(case.contested(), False)
    assert case.state == "cancelled"
    case.clock.move(4 * DAY)
    bookings.run_clock(case.db, case.provider.gateway)
    books = case.books()
    assert set(books) == {"provider_balance", "provider_fees"}
    [refund] = case.refunds()
    assert (refund.state, refund.set_against) == ("done", case.chargebacks()[0].provider_id)


def test_what_a_smaller_one_did_not_take_is_refunded(case: Case) -> None:
    case.decided(case.contested(amount=50_001), False)
    assert case.state == "cancelled"
    taken, rest = case.refunds()
    assert (taken.amount_minor, rest.amount_minor) == (50_001, case.total - 50_001)
    # The bank's fee is missing for it: the provider keeps it until somebody tops up.
    assert (taken.state, rest.state) == ("done", "pending")
    assert taken.provider_id is None
    assert rest.provider_id is not None
    case.others_pay()
    case.sweep()
    assert case.refunds()[1].state == "done"
    assert not {"in_dispute", "dispute_losses", "held", "payable", "service_fee"} & set(
        case.books(of_others=False)
    )


def test_lost_after_the_session_is_our_loss_and_the_expert_is_paid(case: Case) -> None:
    case.others_pay()
    case.completed()
    case.decided(case.contested(), False)
    case.clock.move(8 * DAY)
    case.sweep()
    assert case.state == "completed"
    assert case.transfer.state == "done"
    books = case.books(of_others=False)
    assert books["dispute_losses"] == case.total
    assert not {"in_dispute", "held", "payable"} & set(books)
    assert case.payment.lost_minor == case.total  # In the cap: nothing more can be sent back.


def test_a_refund_that_waits_is_what_the_bank_took(case: Case) -> None:
    case.completed()
    dispute = case.contested()
    case.operator_refunds(20_000)
    case.decided(dispute, False)
    [refund] = case.refunds()
    assert (refund.state, refund.set_against, refund.amount_minor) == ("done", dispute, 20_000)
    assert case.books()["dispute_losses"] == case.total - 20_000
    assert not case.provider.objects("refund")


def test_a_refund_larger_than_what_the_bank_took_is_sent_for_the_rest(case: Case) -> None:
    case.completed()
    dispute = case.contested(amount=7_000)
    case.operator_refunds(20_000)
    case.decided(dispute, False)
    case.sweep()
    amounts = sorted((one.amount_minor, one.state, one.set_against) for one in case.refunds())
    assert amounts == [(7_000, "done", dispute), (13_000, "done", None)]
    assert "dispute_losses" not in case.books()
    assert [one["amount"] for one in case.provider.objects("refund")] == [13_000]


def test_lost_after_the_transfer_of_a_session_that_was_not_held(case: Case) -> None:
    """An operator says that it was not: the expert's part is brought back."""
    case.transferred()
    dispute = case.contested()
    with case.db.transaction() as tx:
        row = tx.session.scalars(sa.select(Chargeback)).one()
        row.if_lost, row.if_lost_by = "refund", case.made.lead.person.id
    case.decided(dispute, False)
    case.sweep()
    assert case.transfer.reversed_minor == case.transfer.amount_minor
    books = case.books()
    assert set(books) == {"provider_balance", "provider_fees"}


def test_lost_after_the_expert_s_account_was_emptied_is_owed_by_them(case: Case) -> None:
    case.transferred()
    dispute = case.contested()
    with case.db.transaction() as tx:
        row = tx.session.scalars(sa.select(Chargeback)).one()
        row.if_lost, row.if_lost_by = "refund", case.made.lead.person.id
        account = tx.session.get_one(Expert, case.made.seller.expert.id).account_id
    assert account is not None
    case.provider.money_leaves(account)
    case.decided(dispute, False)
    case.sweep()
    books = case.books()
    assert books["receivable"] == case.transfer.amount_minor
    assert not {"in_dispute", "payable", "held"} & set(books)


def test_a_no_show_report_that_stands_makes_it_a_refund(case: Case) -> None:
    case.clock.move_to(make.read(case.db, case.made).starts_at + timedelta(hours=1))
    disputes.report(
        case.db, case.made.lead.actor, booking_id=case.made.id, side="lead", token="r",
        said=Words("Nobody came to the meeting, and nobody answered.", 100, kind="expert_absent"),
    )  # fmt: skip
    case.clock.move_to(make.read(case.db, case.made).ends_at)
    case.decided(case.contested(), False)
    [row] = case.chargebacks()
    assert row.booked_as == "refund"
    assert "dispute_losses" not in case.books()


def test_a_share_decided_after_a_loss_is_what_the_bank_gave_already(case: Case) -> None:
    """Held and lost: our loss. Then the sides agree on a half: half of the loss was the buyer's refund."""
    case.others_pay()
    case.ended()
    disputes.report(
        case.db, case.made.lead.actor, booking_id=case.made.id, side="lead", token="r",
        said=Words("It was not what had been promised at all.", 50, kind="quality"),
    )  # fmt: skip
    case.decided(case.contested(), False)
    assert case.books()["dispute_losses"] == case.total
    disputes.agree(
        case.db, case.made.seller.actor, booking_id=case.made.id, side="expert", share=50, token="a"
    )
    case.clock.move(8 * DAY)
    case.sweep()
    assert case.state == "settled"
    books = case.books(of_others=False)
    assert books["dispute_losses"] == case.total // 2
    assert not {"in_dispute", "held", "payable"} & set(books)
    assert case.transfer.state == "done"
    assert not case.provider.objects("refund")


def test_two_disputes_on_one_charge(case: Case) -> None:
    case.completed()
    first = case.contested(amount=10_000)
    case.decided(first, True)
    second = case.contested(amount=30_000, reason="fraudulent")
    assert case.frozen() == second
    case.decided(second, False)
    assert case.frozen() is None
    assert [row.state for row in case.chargebacks()] == ["won", "lost"]
    assert case.books()["dispute_losses"] == 30_000


def test_a_refund_on_its_way_when_it_is_contested_is_decided_again(case: Case) -> None:
    case.completed()
    case.provider.refunds_stay_pending(case.payment.charge_id)
    case.operator_refunds(20_000)
    case.sweep()
    dispute = case.contested()
    case.sweep()
    assert [one.state for one in case.refunds()] == ["redecided", "intended"]
    case.decided(dispute, False)
    again = case.refunds()[1]
    assert (again.state, again.set_against) == ("done", dispute)
    assert case.books()["dispute_losses"] == case.total - 20_000


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("won", [True, False])
def test_events_in_any_order_and_number_end_as_the_sweep_does(case: Case, seed: int, won: bool) -> None:
    case.ended()
    dispute = case.provider.dispute(case.payment.charge_id)
    case.provider.decide(dispute, won)
    posted = case.provider.events(case.payment)
    order = random.Random(seed)
    for body in order.sample(posted, order.randint(0, len(posted))):
        case.provider.post(case.db, body)
    case.sweep()
    [row] = case.chargebacks()
    assert row.state == ("won" if won else "lost")
    assert case.frozen() is None
    books = case.books()
    assert "in_dispute" not in books
    assert books.get("dispute_losses", 0) == (0 if won else case.total)


def test_a_dispute_s_event_before_the_captured_one(
    db: Database, clock: FakeClock, provider: Provider
) -> None:
    case = Case.__new__(Case)
    case.db, case.clock, case.provider = db, clock, provider
    case.made = make.booking(db, days_ahead=12)
    make.write_brief(db, case.made)
    case.payment_id = bookings.open_payment(
        db, case.made.lead.actor, booking_id=case.made.id, accepted=make.DOCUMENTS, texts=make.TEXTS,
        platform=make.PLATFORM, ready=True,
    )  # fmt: skip
    payments.checkout_url(db, provider.gateway, case.payment_id)
    provider.pay(case.payment)
    case.sweep()
    make.accept(db, case.made)
    payment = case.payment
    provider.gateway.capture(
        key=str(uuid.uuid4()), intent_id=payment.intent_id or "", amount_minor=payment.amount_minor
    )
    dispute = provider.dispute(payment.charge_id)
    with db.reading() as session:
        assert session.get_one(Payment, payment.id).state == "authorised"
    about = [body for body in provider.events(payment) if b"charge.dispute.created" in body]
    provider.post(db, about[0])
    assert case.state == "confirmed"
    assert case.frozen() == dispute
    assert case.books()["in_dispute"] == case.total
    with db.reading() as session:
        assert session.scalars(sa.select(InboxEvent.error)).all() == [None]
        assert session.scalar(sa.select(sa.func.count()).select_from(ProviderCall))


@pytest.mark.parametrize("seed", range(8))
def test_any_order_of_disputes_refunds_and_the_end_leaves_the_books_right(case: Case, seed: int) -> None:
    """Amounts and order by chance; at the end nothing is held, contested, owed twice or in the way."""
    case.others_pay()
    chance = random.Random(seed)
    dispute: str | None = None
    ended = False
    for _ in range(7):
        left = case.payment.captured_minor - case.payment.refunded_minor - case.payment.lost_minor
        act = chance.choice(("contest", "decide", "refund", "end", "sweep"))
        if act == "contest" and dispute is None and left:
            dispute = case.contested(amount=chance.randint(1, left))
        elif act == "decide" and dispute is not None:
            case.decided(dispute, chance.random() < 0.4, fee_returns=False)
            dispute = None
        elif act == "refund" and ended and left > 1:
            case.operator_refunds(chance.randint(1, left // 2))
        elif act == "end" and not ended and case.state == "confirmed":
            case.completed()
            ended = True
        else:
            case.sweep(1)
    if dispute is not None:
        case.decided(dispute, False)
    if not ended and case.state == "confirmed":
        case.completed()
    case.clock.move(10 * DAY)
    bookings.run_clock(case.db, case.provider.gateway)
    case.provider.settle()
    case.sweep()
    books = case.books(of_others=False)
    assert not {"in_dispute", "held", "payable"} & set(books), books
    assert case.frozen() is None
    assert all(one.state == "done" for one in case.refunds()), [one.state for one in case.refunds()]
