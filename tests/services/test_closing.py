"""Months: closed in order and for ever, by an operator or the clock; nothing is posted into a closed one."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.domain.errors import MonthRefused
from marketplace.domain.months import begins, month_after, month_before, month_of, read_month
from marketplace.services import ledger
from marketplace.storage.db import Database
from marketplace.storage.ledger import LedgerClosing
from tests import factories as make
from tests.clock import FakeClock

NOVEMBER, DECEMBER = date(2026, 11, 1), date(2026, 12, 1)


def post(db: Database, minor: int = 100, account: str = "service_fee") -> None:
    with db.transaction() as tx:
        ledger.post(
            tx, source=str(uuid.uuid4()), kind="captured", subject=None, at=tx.now, why="test",
            entries=[("provider_balance", minor), (account, -minor)],
        )  # fmt: skip


def closings(db: Database, month: date) -> dict[str, tuple[int, int, int, int]]:
    with db.reading() as session:
        return {
            row.account: (row.opening_minor, row.debit_minor, row.credit_minor, row.closing_minor)
            for row in session.scalars(sa.select(LedgerClosing).where(LedgerClosing.month == month))
        }


def refused(db: Database, month: date) -> str:
    with pytest.raises(MonthRefused) as refusal:
        ledger.close_month(db, None, month)
    return str(refusal.value.facts["why"])


class TestMonths:
    def test_they_begin_where_the_books_are_kept(self) -> None:
        assert begins(NOVEMBER) == datetime(2026, 10, 31, 23, tzinfo=UTC)
        assert month_of(datetime(2026, 10, 31, 23, tzinfo=UTC)) == NOVEMBER
        assert month_of(datetime(2026, 10, 31, 22, 59, tzinfo=UTC)) == date(2026, 10, 1)

    @given(st.dates(date(2000, 1, 1), date(2100, 1, 1)))
    def test_each_leads_to_the_next_and_back(self, day: date) -> None:
        month = day.replace(day=1)
        assert month_before(month_after(month)) == month
        assert begins(month) < begins(month_after(month))

    @pytest.mark.parametrize(
        "text", ["", "2026-13", "2026-1", "x" * 7, "2026-11-01", "２０２６-11", "0001-01", "9999-12"]
    )
    def test_what_is_no_month_is_none(self, text: str) -> None:
        assert read_month(text) is None
        assert read_month("2026-11") == NOVEMBER


class TestClosing:
    def test_what_stood_came_and_went(self, db: Database, clock: FakeClock) -> None:
        post(db, 100)
        post(db, 50, "goodwill")
        clock.move_to(begins(DECEMBER) + timedelta(hours=1))
        post(db, 7)
        ledger.close_month(db, None, NOVEMBER)
        assert closings(db, NOVEMBER) == {
            "provider_balance": (0, 150, 0, 150), "service_fee": (0, 0, 100, -100), "goodwill": (0, 0, 50, -50),
        }  # fmt: skip
        clock.move_to(begins(month_after(DECEMBER)) + timedelta(hours=1))
        boss = make.operator(db)
        ledger.close_month(db, boss, DECEMBER)
        assert closings(db, DECEMBER)["provider_balance"] == (150, 7, 0, 157)
        assert closings(db, DECEMBER)["goodwill"] == (-50, 0, 0, -50)

    def test_not_before_its_end_not_twice_and_not_out_of_order(self, db: Database, clock: FakeClock) -> None:
        post(db)
        assert refused(db, NOVEMBER) == "open"
        clock.move_to(begins(DECEMBER) + timedelta(minutes=59))
        assert refused(db, NOVEMBER) == "open"
        clock.move(timedelta(minutes=1))
        assert refused(db, DECEMBER) == "order"
        ledger.close_month(db, None, NOVEMBER)
        assert refused(db, NOVEMBER) == "order"

    def test_nothing_is_posted_into_it_any_more(self, db: Database, clock: FakeClock) -> None:
        post(db)
        before = clock()
        clock.move_to(begins(DECEMBER) + timedelta(hours=1))
        ledger.close_month(db, None, NOVEMBER)
        post(db)
        with pytest.raises(sa.exc.IntegrityError, match="closed"), db.transaction() as tx:
            ledger.post(
                tx, source="late", kind="captured", subject=None, at=before, why="test",
                entries=[("provider_balance", 1), ("service_fee", -1)],
            )  # fmt: skip

    @pytest.mark.parametrize(
        "statement",
        [
            "delete from ledger_closings",
            "update ledger_closings set opening_minor = 0",
            "delete from ledger_months",
        ],
    )
    def test_it_stands_for_ever(self, db: Database, clock: FakeClock, statement: str) -> None:
        post(db)
        clock.move_to(begins(DECEMBER) + timedelta(hours=1))
        ledger.close_month(db, None, NOVEMBER)
        with pytest.raises(sa.exc.DBAPIError), db.transaction() as tx:
            tx.session.execute(sa.text(statement))

    def test_the_clock_closes_a_day_later_every_month_that_waits(
        self, db: Database, clock: FakeClock
    ) -> None:
        assert ledger.close_due(db) == 0
        post(db)
        clock.move_to(begins(DECEMBER) + timedelta(hours=23))
        assert ledger.close_due(db) == 0
        clock.move_to(begins(date(2027, 3, 1)) + timedelta(days=1))
        assert ledger.close_due(db) == 4
        with db.reading() as session:
            last = ledger.closed_month(session)
        assert last is not None
        assert last.month == date(2027, 2, 1)
        assert closings(db, last.month)["provider_balance"] == (100, 0, 0, 100)


class TestReadingAMonth:
    def test_an_open_month_reads_like_the_closed_one_it_becomes(self, db: Database, clock: FakeClock) -> None:
        made = make.booking(db, state="confirmed")
        clock.move_to(begins(DECEMBER) + timedelta(hours=2))
        post(db, 33)
        with db.reading() as session:
            open_one = ledger.month_by_class(session, NOVEMBER)
            later = ledger.month_by_class(session, DECEMBER)
        ledger.close_month(db, None, NOVEMBER)
        with db.reading() as session:
            assert ledger.month_by_class(session, NOVEMBER) == open_one
            assert ledger.month_by_class(session, DECEMBER) == later
            accounts, more = ledger.month_accounts(session, NOVEMBER, "held")
            lines, _place = ledger.account_lines(session, f"held:{made.id}", NOVEMBER)
        assert [row.name for row in accounts] == [f"held:{made.id}"]
        assert more is None
        assert [line.kind for line in lines] == ["captured"]
        assert sum(row.closing for row in open_one) == 0
        assert {row.name: row.opening for row in later}["provider_balance"] > 0

    def test_pages_follow_each_other_without_a_gap(
        self, db: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("marketplace.services.ledger.months.PAGE", 3)
        for _ in range(8):
            post(db)
        seen, after = [], None
        with db.reading() as session:
            while True:
                lines, after = ledger.account_lines(session, "provider_balance", NOVEMBER, after=after)
                seen += [line.entry_id for line in lines]
                if after is None:
                    break
        assert len(seen) == len(set(seen)) == 8


ENTRY = st.tuples(
    st.sampled_from(["provider_balance", "platform_bank", "service_fee", "goodwill"]),
    st.sampled_from(["commission", "vat:service_fee", "provider_fees"]),
    st.integers(-5_000, 5_000).filter(bool),
    st.integers(0, 40),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=st.lists(ENTRY, min_size=1, max_size=25))
def test_random_ledgers_closed_month_by_month_add_up(
    db: Database, clock: FakeClock, moves: list[tuple[str, str, int, int]]
) -> None:
    """Each month opens where the one before closed, closes at zero over all, and the last is what stands."""
    with db.engine.begin_nested() as nested:  # type: ignore[union-attr]
        started = clock()
        for one, other, minor, days in moves:
            clock.move(timedelta(days=days))
            with db.transaction() as tx:
                ledger.post(
                    tx, source=str(uuid.uuid4()), kind="captured", subject=None, at=tx.now, why="test",
                    entries=[(one, minor), (other, -minor)],
                )  # fmt: skip
        clock.move_to(begins(month_after(month_of(clock()))) + timedelta(days=2))
        months = ledger.close_due(db)
        with db.reading() as session:
            stands = {name: minor for name, minor in ledger.balances(session).items() if minor}
            last = ledger.closed_month(session)
        assert months >= 1
        assert last is not None
        month = month_of(started)
        before: dict[str, int] = {}
        while month <= last.month:
            rows = closings(db, month)
            assert {name: row[0] for name, row in rows.items() if row[0]} == before
            assert sum(row[3] for row in rows.values()) == 0
            assert sum(row[1] for row in rows.values()) == sum(row[2] for row in rows.values())
            before = {name: row[3] for name, row in rows.items() if row[3]}
            month = month_after(month)
        assert before == stands
        nested.rollback()
        clock.now = started
