"""Our own money to our bank: own_funds only, under a lock, never more; seen through to the end; VAT noted."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from marketplace.domain.errors import PlatformPayoutRefused, ProviderBusy, SameOperator, VatPaymentRefused
from marketplace.domain.months import begins
from marketplace.domain.policy import Actor
from marketplace.services import ledger, platform_payouts
from marketplace.storage.db import Database
from marketplace.storage.payments import Payment
from marketplace.storage.platform_payouts import PlatformPayout, TaxPayment
from tests import factories as make
from tests.clock import FakeClock
from tests.services.provider import Money, Provider

DECEMBER = date(2026, 12, 1)
# Of the worked example: 72 + 144 of fees, less the provider's 23.15; and 14.40 + 28.80 of VAT.
OWN, VAT = 7_200 + 14_400 - 2_315, 1_440 + 2_880
ABOVE = 100_000


class House:
    """The money walked to where something is ours: a session paid, over, its share on the books as payable."""

    def __init__(self, db: Database, provider: Provider, money: Money) -> None:
        self.db, self.provider = db, provider
        self.payment: Payment = money.captured()
        money.share_due(self.payment)
        provider.settle()
        self.boss = make.operator(db)

    def funds(self) -> int:
        return platform_payouts.offered(self.db, self.provider.gateway).funds.minor

    def pay(self, minor: int, *, by: Actor | None = None, above: int = ABOVE, token: str = "t",
            seen: int | None = None) -> PlatformPayout:  # fmt: skip
        return platform_payouts.propose(
            self.db, self.provider.gateway, by or self.boss, amount_minor=minor,
            seen_minor=self.funds() if seen is None else seen, second_above=above, token=token,
        )  # fmt: skip

    def refused(self, minor: int, **how: object) -> str:
        with pytest.raises(PlatformPayoutRefused) as refusal:
            self.pay(minor, **how)  # type: ignore[arg-type]
        return str(refusal.value.facts["why"])

    def rows(self) -> list[PlatformPayout]:
        with self.db.reading() as session:
            return list(platform_payouts.recent(session))

    def balances(self) -> dict[str, int]:
        with self.db.reading() as session:
            return ledger.balances(session)


@pytest.fixture
def here(db: Database, provider: Provider, money: Money) -> House:
    return House(db, provider, money)


class TestByHand:
    def test_what_is_ours_and_no_cent_more(self, here: House) -> None:
        assert here.funds() == OWN
        assert here.refused(OWN + 1) == "too_much"
        row = here.pay(OWN)
        assert row.state == "under_way"
        assert row.provider_id
        assert row.made_by == here.boss.person_id
        assert row.terms == {
            "available": 150_325, "held": 0, "payable": 126_720, "owed": 0, "vat": VAT, "under_way": 0,
            "own_funds": OWN,
        }  # fmt: skip
        assert here.balances()["platform_bank"] == OWN
        assert here.provider.balance() == 126_720 + VAT
        assert here.funds() == 0
        assert here.refused(1, token="u") == "too_much"

    def test_the_same_form_twice_is_one_payout(self, here: House) -> None:
        assert here.pay(100).id == here.pay(100).id
        assert len(here.rows()) == 1

    def test_nothing_is_no_amount(self, here: House) -> None:
        assert here.refused(0) == "nothing"
        assert here.refused(-5) == "nothing"

    def test_less_is_ours_than_the_page_showed(self, here: House) -> None:
        assert here.refused(OWN + 5, seen=OWN + 10) == "changed"

    def test_money_that_has_not_settled_is_not_ours_yet(
        self, db: Database, provider: Provider, money: Money
    ) -> None:
        money.captured()
        assert platform_payouts.offered(db, provider.gateway).why_not == "nothing"

    def test_a_second_operator_above_the_limit(self, here: House) -> None:
        row = here.pay(OWN, above=1_000)
        assert row.state == "proposed"
        assert not here.provider.objects("payout")
        assert here.refused(5, token="u") == "waiting"
        with pytest.raises(SameOperator):
            self.answer(here, row, here.boss)
        done = self.answer(here, row, make.operator(here.db))
        assert done.state == "under_way"
        assert done.decided_by != done.made_by
        with pytest.raises(PlatformPayoutRefused):
            self.answer(here, row, make.operator(here.db))

    def test_a_second_operator_says_no(self, here: House) -> None:
        row = here.pay(OWN, above=1_000)
        assert self.answer(here, row, here.boss, yes=False).state == "dropped"
        assert here.funds() == OWN

    def answer(self, here: House, row: PlatformPayout, who: Actor, *, yes: bool = True) -> PlatformPayout:
        return platform_payouts.second(here.db, here.provider.gateway, who, payout_id=row.id, yes=yes)


class TestWhatStandsInTheWay:
    def test_the_providers_own_schedule(self, here: House) -> None:
        here.provider.schedule("daily")
        assert here.refused(100, seen=OWN) == "schedule"

    def test_books_that_do_not_hold(self, here: House) -> None:
        with here.db.transaction() as tx:
            ledger.post(
                tx, source="x", kind="captured", subject=None, at=tx.now, why="test",
                entries=[("provider_balance", 1), ("goodwill", -1)],
            )  # fmt: skip
        for _ in range(2):
            ledger.watch(here.db, here.provider.gateway)
        assert here.refused(100, seen=OWN) == "stopped"

    def test_a_shortfall(self, here: House) -> None:
        here.provider.spend(40_000)
        ledger.watch(here.db, here.provider.gateway)
        assert here.refused(100, seen=OWN) == "short"


class TestTheCall:
    def test_a_lost_answer_is_found_and_nothing_is_paid_twice(self, here: House) -> None:
        here.provider.wire.faults.append("lost_reply")
        row = here.pay(OWN)
        assert row.state == "sent"
        assert "platform_bank" not in here.balances()
        assert platform_payouts.offered(here.db, here.provider.gateway).why_not == "waiting"
        platform_payouts.follow(here.db, here.provider.gateway)
        (row,) = here.rows()
        assert row.state == "under_way"
        assert row.tries == 2
        assert len(here.provider.objects("payout")) == 1
        assert here.balances()["platform_bank"] == OWN

    def test_a_provider_that_is_away_is_asked_again(self, here: House) -> None:
        here.provider.wire.faults.append("busy")
        assert here.pay(OWN).state in ("intended", "sent")
        platform_payouts.follow(here.db, here.provider.gateway)
        assert here.rows()[0].state == "under_way"

    def test_nobody_is_told_a_sum_while_the_provider_is_silent(self, here: House) -> None:
        here.provider.wire.away = True
        with pytest.raises(ProviderBusy):
            here.funds()

    def test_one_that_arrives_and_one_that_comes_back(self, here: House, clock: FakeClock) -> None:
        row = here.pay(OWN)
        clock.move(timedelta(days=5))
        here.provider.time_acts()
        platform_payouts.follow(here.db, here.provider.gateway)
        assert here.rows()[0].state == "done"
        here.provider.payout_fails(str(row.provider_id))
        platform_payouts.follow(here.db, here.provider.gateway)
        platform_payouts.follow(here.db, here.provider.gateway)
        assert here.rows()[0].state == "failed"
        assert here.balances()["platform_bank"] == 0
        clock.move(timedelta(minutes=16))
        assert ledger.findings_of(ledger.watch(here.db, here.provider.gateway)) == []

    def test_what_the_provider_pays_out_by_itself_is_booked(self, here: House, clock: FakeClock) -> None:
        here.provider.schedule("daily")
        clock.move(timedelta(days=3))
        here.provider.time_acts()
        platform_payouts.follow(here.db, here.provider.gateway)
        (row,) = [one for one in here.rows() if one.automatic]
        assert here.balances()["platform_bank"] == row.amount_minor > OWN
        clock.move(timedelta(minutes=16))
        kinds = {one.kind for one in ledger.findings_of(ledger.watch(here.db, here.provider.gateway))}
        assert kinds == {"schedule", "shortfall"}


class TestMonthly:
    def close(self, here: House, clock: FakeClock) -> None:
        clock.move_to(begins(DECEMBER) + timedelta(days=1))
        here.provider.settle()
        assert ledger.close_due(here.db) == 1

    def run(self, here: House) -> bool:
        return platform_payouts.run_monthly(here.db, here.provider.gateway)

    def test_once_after_the_closing_and_the_months_vat_goes_with_it(
        self, here: House, clock: FakeClock
    ) -> None:
        assert not self.run(here), "no month is closed"
        self.close(here, clock)
        assert self.run(here)
        assert not self.run(here)
        (row,) = here.rows()
        assert (row.amount_minor, row.month, row.made_by) == (OWN + VAT, date(2026, 11, 1), None)
        assert here.provider.balance() == 126_720

    def test_not_while_something_stops_it_and_not_late_in_the_month(
        self, here: House, clock: FakeClock
    ) -> None:
        self.close(here, clock)
        here.provider.schedule("daily")
        assert not self.run(here)
        here.provider.schedule("manual")
        clock.move(timedelta(days=10))
        assert not self.run(here)

    def test_vat_is_noted_once_for_a_closed_month(self, here: House, clock: FakeClock) -> None:
        month = date(2026, 11, 1)
        assert self.vat_refused(here, month) == "nothing"
        self.close(here, clock)
        assert self.vat_refused(here, DECEMBER) == "not_closed"
        assert self.vat_refused(here, month, reference=" ") == "reference"
        assert self.vat_refused(here, month, on=date(2026, 11, 30)) == "day"
        assert self.vat_refused(here, month, on=None) == "day"
        row = self.note(here, month)
        assert (row.service_fee_minor, row.commission_minor) == (1_440, 2_880)
        assert here.balances()["platform_bank"] == -VAT
        assert here.balances()["vat:service_fee"] == here.balances()["vat:commission"] == 0
        assert self.vat_refused(here, month) == "nothing"
        clock.move(timedelta(minutes=16))
        assert ledger.watch(here.db, here.provider.gateway).defects == 0

    def note(
        self, here: House, month: date, *, on: date | None = date(2026, 12, 2), reference: str = "CA3 11/26"
    ) -> TaxPayment:
        return platform_payouts.note_vat_paid(
            here.db, here.boss, month=month, paid_on=on, reference=reference
        )

    def vat_refused(self, here: House, month: date, **how: object) -> str:
        with pytest.raises(VatPaymentRefused) as refusal:
            self.note(here, month, **how)  # type: ignore[arg-type]
        return str(refusal.value.facts["why"])


def test_two_operators_at_once_pay_out_once(here: House) -> None:
    """One open payout a currency: the database says so too."""
    here.pay(OWN, above=1)
    with pytest.raises(sa.exc.IntegrityError), here.db.transaction() as tx:
        tx.session.add(PlatformPayout(amount_minor=1, terms={}, state="intended", made_at=tx.now))
