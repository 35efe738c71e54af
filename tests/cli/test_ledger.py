"""`flask ledger`: the check in words and by exit code, and closing a month."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

import config
from marketplace import create_app
from marketplace.domain.months import month_of
from marketplace.services import ledger as books
from marketplace.storage.db import Database
from marketplace.storage.ledger import LedgerCheck

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def app(own_url: str, tmp_path: Path) -> Iterator[Flask]:
    made = create_app(
        config.load({"DATABASE_URL": own_url, "DATA_DIR": str(tmp_path), "STRIPE_API_BASE": NOWHERE})
    )
    yield made
    made.extensions["declic"].db.engine.dispose()


def run(app: Flask, *line: str) -> tuple[int, str]:
    done = app.test_cli_runner().invoke(args=["ledger", *line])
    return done.exit_code, done.output


def db_of(app: Flask) -> Database:
    found: Database = app.extensions["declic"].db
    return found


def post(app: Flask, source: str = "pi_1") -> None:
    with db_of(app).transaction() as tx:
        books.post(
            tx, source=source, kind="captured", subject=None, at=tx.now, why="test",
            entries=[("provider_balance", 100), ("service_fee", -100)],
        )  # fmt: skip


def test_books_that_hold_say_so_also_while_the_provider_is_silent(app: Flask) -> None:
    code, said = run(app, "check")
    assert code == 0
    assert "The ledger holds." in said
    assert "only our own books were checked" in said


def test_a_defect_is_named_and_exits_1_and_two_running_stop_what_leaves(app: Flask) -> None:
    post(app)
    code, said = run(app, "check")
    assert code == 1
    assert "orphan: captured of pi_1 is posted, but nothing of ours says so" in said
    code, said = run(app, "check", "--whole")
    assert code == 1
    assert "no transfer and no payout leaves" in said
    with db_of(app).reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(LedgerCheck)) == 2
        assert books.stopped(session)


def test_a_shortfall_is_told_and_exits_0(app: Flask) -> None:
    """Fees of nothing: the balance is below zero, and nobody is owed."""
    with db_of(app).transaction() as tx:
        tx.session.execute(
            sa.text(
                "insert into provider_movements (id, kind, source, amount_minor, fee_minor, currency, created, available)"
                " values ('txn_1', 'fee', 'txn_1', -2315, 0, 'EUR', now(), now())"
            )
        )
    books.book_theirs(db_of(app))
    code, said = run(app, "check")
    assert code == 0
    assert "shortfall: top up 23.15" in said


@pytest.mark.parametrize(
    ("month", "code", "said"), [("november", 2, "2026-11"), ("2020-01", 1, "one after the other")]
)
def test_a_month_that_cannot_be_closed(app: Flask, month: str, code: int, said: str) -> None:
    post(app)
    done = run(app, "close", "--month", month)
    assert done[0] == code
    assert said in done[1]


def test_the_month_that_runs_is_not_closed(app: Flask) -> None:
    post(app)
    done = run(app, "close", "--month", f"{month_of(db_of(app).clock()):%Y-%m}")
    assert done[0] == 1
    assert "not over" in done[1]
