"""The check beside the provider's own books, over the wire: what it finds, what it leaves out, what it stops."""

from __future__ import annotations

import uuid
from datetime import timedelta
from types import SimpleNamespace

import pytest
import sqlalchemy as sa

from marketplace.domain.errors import ProviderBusy
from marketplace.domain.events import BooksAlarm
from marketplace.services import ledger, letters, payments
from marketplace.storage.db import Database
from marketplace.storage.ledger import LedgerCheck, LedgerEntry, LedgerGroup, ProviderMovement
from marketplace.storage.letters import Letter
from marketplace.storage.payments import Refund
from sandbox import payouts as theirs
from tests import factories as make
from tests.clock import FakeClock
from tests.services.provider import Money, Provider
from tests.services.test_letters import STATIONERY, opened, text_of

LATER = timedelta(minutes=16)


def watch(db: Database, provider: Provider, *, whole: bool = False) -> LedgerCheck:
    return ledger.watch(db, provider.gateway, whole=whole)


def found(run: LedgerCheck) -> list[tuple[str, str]]:
    return [(one.kind, one.about) for one in ledger.findings_of(run)]


def post(db: Database, source: str, entries: ledger.Entries, *, kind: str = "captured",
         subject: uuid.UUID | None = None) -> None:  # fmt: skip
    with db.transaction() as tx:
        ledger.post(tx, source=source, kind=kind, subject=subject, at=tx.now, entries=entries, why="test")


class TestBesideTheProvidersBooks:
    def test_a_walk_of_everything_is_the_same_on_both_sides(
        self, db: Database, provider: Provider, money: Money, clock: FakeClock
    ) -> None:
        payment = money.captured()
        money.refund(payment, 25)
        money.carry("refund")
        clock.move(LATER)
        run = watch(db, provider)
        assert found(run) == []
        assert run.since is not None
        assert run.schedule == "manual"
        assert not run.stopped

    def test_what_moved_there_and_not_here(
        self, db: Database, provider: Provider, money: Money, clock: FakeClock
    ) -> None:
        payment = money.captured()
        provider.gateway.refund(
            key="by-hand", intent_id=str(payment.intent_id), amount_minor=500, reference="nobody’s"
        )
        assert watch(db, provider).defects == 0, "young: we may still hear of it"
        clock.move(LATER)
        ((kind, about),) = found(watch(db, provider))
        assert kind == "here"
        assert about.startswith("re_")

    def test_what_moved_here_and_not_there(self, db: Database, provider: Provider, clock: FakeClock) -> None:
        post(db, "pi_nobody", [("provider_balance", 7), ("service_fee", -7)])
        clock.move(LATER)
        assert ("there", "pi_nobody") in found(watch(db, provider))

    def test_what_moved_by_another_amount(
        self, db: Database, provider: Provider, money: Money, clock: FakeClock
    ) -> None:
        payment = money.captured()
        watch(db, provider)
        clock.move(LATER)
        with db.transaction() as tx:
            tx.session.execute(
                sa.update(ProviderMovement)
                .where(ProviderMovement.source == payment.charge_id)
                .values(fee_minor=ProviderMovement.fee_minor + 1)
            )
        with db.reading() as session:
            (difference,) = ledger.differences(session, clock())
        assert (difference.kind, difference.about) == ("differs", payment.charge_id)
        # The provider's line is read again and cures it.
        assert watch(db, provider).defects == 0

    def test_a_refund_that_waits_for_the_banks_word_is_left_out(
        self, db: Database, provider: Provider, money: Money, clock: FakeClock
    ) -> None:
        payment = money.captured()
        provider.refunds_stay_pending(payment.charge_id)
        money.refund(payment, 10)
        money.carry("refund")
        clock.move(LATER)
        (refund,) = money.refunds()
        assert refund.state == "pending"
        assert watch(db, provider).defects == 0

    def test_and_so_is_what_an_intent_in_flight_may_have_made(
        self, db: Database, provider: Provider, money: Money, clock: FakeClock
    ) -> None:
        payment = money.captured()
        money.refund(payment, 10)
        provider.wire.faults.append("lost_reply")
        with pytest.raises(ProviderBusy):
            money.carry("refund")
        clock.move(LATER)
        assert watch(db, provider).defects == 0
        payments.sweep(db, provider.gateway)
        assert watch(db, provider).defects == 0

    def test_a_top_up_and_a_fee_for_no_payment_are_booked_from_its_books(
        self, db: Database, provider: Provider, clock: FakeClock
    ) -> None:
        with provider.store.transaction() as books:
            theirs.topped_up(books, theirs.top_up(books, 50_000, {}))
        provider.spend(300)
        run = watch(db, provider)
        assert found(run) == []
        with db.reading() as session:
            assert ledger.balances(session) == {
                "platform_bank": -50_000, "provider_balance": 49_700, "provider_fees": 300,
            }  # fmt: skip
        clock.move(LATER)
        assert found(watch(db, provider, whole=True)) == []

    def test_a_provider_that_does_not_answer_is_no_defect(self, db: Database, provider: Provider) -> None:
        provider.wire.away = True
        run = watch(db, provider)
        assert run.defects == 0
        assert run.since is None
        assert run.unasked

    def test_only_what_is_new_is_read_again(
        self, db: Database, provider: Provider, money: Money, clock: FakeClock
    ) -> None:
        money.captured()
        first = watch(db, provider)
        clock.move(timedelta(days=30))
        second = watch(db, provider)
        assert first.since == ledger.watching.EVER
        assert second.since == first.at - ledger.watching.READ_AGAIN

    def test_a_difference_older_than_what_was_read_is_looked_for_further_back(
        self, db: Database, provider: Provider, money: Money, clock: FakeClock
    ) -> None:
        payment = money.captured()
        watch(db, provider)
        clock.move(timedelta(days=30))
        watch(db, provider)
        with db.transaction() as tx:
            tx.session.execute(
                sa.delete(ProviderMovement).where(ProviderMovement.source == payment.charge_id)
            )
        run = watch(db, provider)
        assert found(run) == []
        assert run.since is not None
        assert run.since > clock() - timedelta(days=29)


class TestWhatItStops:
    def test_one_failure_stops_nothing_two_running_do_and_a_clean_one_ends_it(
        self, db: Database, provider: Provider, money: Money, clock: FakeClock
    ) -> None:
        payment = money.captured()
        post(db, "x", [("provider_balance", 1), ("goodwill", -1)])
        said = []
        for cured in (False, False, False, True):
            if cured:
                self.cure(db, payment.id)
            watch(db, provider)
            clock.move(timedelta(minutes=5))
            with db.reading() as session:
                said.append(ledger.stopped(session))
        assert said == [False, True, True, False]

    def cure(self, db: Database, payment_id: uuid.UUID) -> None:
        """A row that says why that group stands: a refund under that id, as an operator would find it."""
        with db.transaction() as tx:
            tx.session.execute(sa.text("alter table ledger_entries disable trigger user"))
            tx.session.execute(sa.text("alter table ledger_groups disable trigger user"))
            group = sa.select(LedgerGroup.id).where(LedgerGroup.source == "x").scalar_subquery()
            tx.session.execute(sa.delete(LedgerEntry).where(LedgerEntry.group_id == group))
            tx.session.execute(sa.delete(LedgerGroup).where(LedgerGroup.source == "x"))
            tx.session.execute(sa.text("alter table ledger_entries enable trigger user"))
            tx.session.execute(sa.text("alter table ledger_groups enable trigger user"))

    def test_a_shortfall_stops_payouts_and_not_transfers(
        self, db: Database, provider: Provider, money: Money
    ) -> None:
        payment = money.captured()
        with money.locked(payment) as (tx, row):
            # All of it goes back, and the provider keeps its fee: that is missing.
            lines = {"price": 120_000, "seller_vat": 24_000, "service_fee": 7_200, "vat_service_fee": 1_440}
            payments.decide_refund(tx, row, lines=lines, token="all", why="test")
        money.carry("refund")
        run = watch(db, provider)
        (finding,) = ledger.findings_of(run)
        assert finding.kind == "shortfall"
        assert finding.text == "top up 23.15"
        assert run.shortfall_minor == finding.minor
        assert run.defects == 0
        with db.reading() as session:
            assert (ledger.stopped(session), ledger.short(session)) == (False, True)

    def test_the_providers_own_payouts_are_an_alarm_and_no_defect(
        self, db: Database, provider: Provider
    ) -> None:
        provider.schedule("daily")
        run = watch(db, provider)
        assert found(run) == [("schedule", "daily")]
        assert run.defects == 0
        with db.reading() as session:
            assert (ledger.stopped(session), ledger.short(session)) == (False, True)


def test_refunds_beyond_what_was_taken_are_found(db: Database, money: Money) -> None:
    payment = money.captured()
    with db.transaction() as tx:
        for number in range(2):
            tx.session.add(
                Refund(
                    payment_id=payment.id, token=f"t{number}", amount_minor=payment.amount_minor, lines={},
                    after_share=False, why="x", decided_at=tx.now,
                )
            )  # fmt: skip
    with db.reading() as session:
        (finding,) = [one for one in ledger.check(session) if one.kind == "refunds"]
    assert finding.minor == 2 * payment.amount_minor


class TestTheAlarm:
    """Operators are told once a new trouble, not once a check."""

    @pytest.fixture
    def heard(self, db: Database) -> list[uuid.UUID]:
        told: list[uuid.UUID] = []
        db.reactions = SimpleNamespace(
            within={BooksAlarm: (lambda tx, event: told.append(event.check_id),)}, after={}
        )
        return told

    def test_once_a_stop_and_once_a_shortfall(
        self, db: Database, provider: Provider, clock: FakeClock, heard: list[uuid.UUID]
    ) -> None:
        post(db, "x", [("provider_balance", 1), ("goodwill", -1)])
        runs = [watch(db, provider) for _ in range(4)]
        assert heard == [runs[1].id]
        provider.schedule("daily")
        runs = [watch(db, provider) for _ in range(2)]
        assert heard[1:] == [runs[0].id]

    @pytest.mark.parametrize("language", ["fr", "en"])
    def test_the_letter_says_what_it_is_and_goes_to_operators_alone(
        self, db: Database, language: str
    ) -> None:
        boss = make.person(db, name="Odile Marchal", operator=True, language=language)
        make.person(db, name="Personne Denulle")
        with db.transaction() as tx:
            run = LedgerCheck(
                at=tx.now, took_ms=1, since=tx.now, schedule="daily", defects=2, shortfall_minor=2_315, findings=[],
                stopped=True,
            )  # fmt: skip
            tx.session.add(run)
        for _twice in range(2):
            letters.books_alarm(db, STATIONERY, check_id=run.id)
        with db.reading() as session:
            (letter,) = session.scalars(sa.select(Letter)).all()
        assert letter.person_id == boss.id
        text = text_of(opened(letter.message))
        assert ("23,15" if language == "fr" else "€23.15") in text
        assert ("manuel" if language == "fr" else "manual") in text
