"""`ledger check` on 100 000 bookings: how long it takes, and that it finds each error planted in them.

    python -m benchmarks.ledger_check            100 000 bookings
    python -m benchmarks.ledger_check --size 5000

A database of its own: at TEST_DATABASE_URL's server, else an embedded one started for the run. The rows are
made by SQL: of ten bookings six are paid out, one was refunded half before its share and paid out, one was
refunded whole, one waits for its session, one is on company terms and unpaid; with the provider's own books
beside them. Each error is planted alone, past the triggers that would refuse it, and taken back.
Exits with 1 where an error is not found, the clean books are not clean, or a check takes more than 30 s.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from marketplace.services import ledger
from marketplace.storage.db import connect
from tests import database as databases

BAR = 30.0
NOW = datetime(2026, 12, 1, tzinfo=UTC)
QUOTE = """{"price": 120000, "seller_vat": 24000, "service_fee": 7200, "vat_service_fee": 1440,
    "commission": 14400, "vat_commission": 2880, "total": 152640}"""
HALF = '{"price": 60000, "seller_vat": 12000, "service_fee": 3600, "vat_service_fee": 720}'
WHOLE = '{"price": 120000, "seller_vat": 24000, "service_fee": 7200, "vat_service_fee": 1440}'

# `i` is the booking; id(n, i) an id of the n-th sort of thing.
SETUP = """
set session_replication_role = replica;
create function pg_temp.id(sort int, i bigint) returns uuid language sql immutable as
    $$ select (lpad(to_hex(sort), 8, '0') || '-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid $$;
create temp table made as
    select i, mod(i, 10) as sort, timestamptz '2026-01-01' + i * interval '4 minutes' as at,
        pg_temp.id(1, i) as subject, pg_temp.id(2, i) as payment, pg_temp.id(3, mod(i, 400)) as expert,
        pg_temp.id(4, mod(i, 900)) as company
    from generate_series(1, {size}) as i;

insert into payments (id, reference, subject, payer_company_id, payee_expert_id, state, method, capture, amount_minor,
    captured_minor, refunded_minor, lost_minor, currency, quote, labels, intent_id, charge_id, captured_at, invoiced_at,
    credited_minor, written_off_minor, share_posted_at, created_at)
select payment, 'r' || i, subject, company, expert, case sort when 9 then 'open' else 'captured' end,
    case sort when 9 then 'bank_transfer' else 'card' end, 'manual', 152640, case sort when 9 then 0 else 152640 end,
    case sort when 7 then 76320 when 8 then 152640 else 0 end, 0, 'EUR', '{quote}', '{{}}', 'pi_' || i, 'ch_' || i, at,
    case sort when 9 then at end, 0, 0, case when sort < 6 or sort = 7 then at + interval '20 days' end, at
from made;
insert into refunds (id, payment_id, kind, token, amount_minor, currency, lines, after_share, borne_by_us,
    commission_minor, vat_commission_minor, reversed_minor, gap_minor, from_own_funds, why, state, provider_id,
    decided_at, ended_at)
select pg_temp.id(5, i), payment, 'refund', 'refund' || i, case sort when 7 then 76320 else 152640 end, 'EUR',
    case sort when 7 then '{half}'::jsonb else '{whole}'::jsonb end, false, false, 0, 0, 0, 0, false, 'cancelled_by_lead',
    'done', 're_' || i, at, at
from made where sort in (7, 8);
insert into transfers (id, payment_id, expert_id, subject, amount_minor, set_off_minor, reversed_minor, currency, due_at,
    why, state, provider_id, made_at, ended_at)
select pg_temp.id(6, i), payment, expert, subject, case sort when 7 then 63360 else 126720 end, 0, 0, 'EUR', at, 'due',
    'done', 'tr_' || i, at, at
from made where sort < 6 or sort = 7;

create temp table posted (i bigint, kind text, source text, account text, minor bigint);
insert into posted
select i, kind, source, account, minor from made, lateral (values
    ('captured', 'pi_' || i, 'provider_balance', 152640, sort <> 9),
    ('captured', 'pi_' || i, 'held:' || subject, -144000, sort <> 9),
    ('captured', 'pi_' || i, 'service_fee', -7200, sort <> 9),
    ('captured', 'pi_' || i, 'vat:service_fee', -1440, sort <> 9),
    ('provider_fee', 'ch_' || i, 'provider_fees', 2315, sort <> 9),
    ('provider_fee', 'ch_' || i, 'provider_balance', -2315, sort <> 9),
    ('invoiced', payment::text, 'buyer:' || company || ':receivable', 152640, sort = 9),
    ('invoiced', payment::text, 'held:' || subject, -144000, sort = 9),
    ('invoiced', payment::text, 'service_fee', -7200, sort = 9),
    ('invoiced', payment::text, 'vat:service_fee', -1440, sort = 9),
    ('refund', 're_' || i, 'held:' || subject, 72000, sort = 7),
    ('refund', 're_' || i, 'service_fee', 3600, sort = 7),
    ('refund', 're_' || i, 'vat:service_fee', 720, sort = 7),
    ('refund', 're_' || i, 'provider_balance', -76320, sort = 7),
    ('refund', 're_' || i, 'held:' || subject, 144000, sort = 8),
    ('refund', 're_' || i, 'service_fee', 7200, sort = 8),
    ('refund', 're_' || i, 'vat:service_fee', 1440, sort = 8),
    ('refund', 're_' || i, 'provider_balance', -152640, sort = 8),
    ('share_due', payment::text, 'held:' || subject, case sort when 7 then 72000 else 144000 end, sort < 6 or sort = 7),
    ('share_due', payment::text, 'commission', case sort when 7 then -7200 else -14400 end, sort < 6 or sort = 7),
    ('share_due', payment::text, 'vat:commission', case sort when 7 then -1440 else -2880 end, sort < 6 or sort = 7),
    ('share_due', payment::text, 'expert:' || expert || ':payable',
        case sort when 7 then -63360 else -126720 end, sort < 6 or sort = 7),
    ('transfer', 'tr_' || i, 'expert:' || expert || ':payable',
        case sort when 7 then 63360 else 126720 end, sort < 6 or sort = 7),
    ('transfer', 'tr_' || i, 'provider_balance', case sort when 7 then -63360 else -126720 end, sort < 6 or sort = 7)
) as entries (kind, source, account, minor, there) where there;
insert into ledger_groups (id, source, kind, subject, at, why)
select md5(source || kind)::uuid, source, kind, pg_temp.id(1, i), timestamptz '2026-01-01' + i * interval '4 minutes', kind
from (select distinct i, kind, source from posted) as groups;
insert into ledger_entries (id, group_id, account, amount_minor, currency)
select md5(source || kind || account)::uuid, md5(source || kind)::uuid, account, minor, 'EUR' from posted;
insert into provider_movements (id, kind, source, amount_minor, fee_minor, currency, created, available)
select 'txn_' || kind || i, kind, source, minor, fee, 'EUR', at, at from made, lateral (values
    ('charge', 'ch_' || i, 152640, 2315, sort <> 9),
    ('refund', 're_' || i, case sort when 7 then -76320 else -152640 end, 0, sort in (7, 8)),
    ('transfer', 'tr_' || i, case sort when 7 then -63360 else -126720 end, 0, sort < 6 or sort = 7)
) as lines (kind, source, minor, fee, there) where there;
set session_replication_role = origin;
"""

# What goes wrong, and what the check calls it. Booking 10 is paid out, 16 waits, 17 half and 18 wholly refunded.
ERRORS: tuple[tuple[str, str, str], ...] = (
    (
        "a group is off by a cent",
        "unbalanced",
        (
            "update ledger_entries set amount_minor = amount_minor + 1 where group_id = md5('pi_10captured')::uuid"
            " and account = 'service_fee'"
        ),
    ),
    (
        "two currencies in one group",
        "mixed",
        (
            "update ledger_entries set currency = 'CHF' where group_id = md5('pi_10captured')::uuid"
            " and account = 'service_fee'"
        ),
    ),
    (
        "a refund that was never posted",
        "missing",
        "update refunds set provider_id = 're_lost' where provider_id = 're_17'",
    ),
    (
        "a group that nothing of ours accounts for",
        "orphan",
        "update transfers set state = 'failed' where provider_id = 'tr_10'",
    ),
    (
        "a transfer posted with another amount than left",
        "amount",
        "update ledger_entries set amount_minor = amount_minor + sign(amount_minor) where group_id = md5('tr_10transfer')::uuid",
    ),
    (
        "money held for another booking",
        "astray",
        (
            "update ledger_entries set account = 'held:' || '00000001-0000-7000-8000-00000000001a'"
            " where group_id = md5('pi_16captured')::uuid and left(account, 5) = 'held:'"
        ),
    ),
    (
        "money held for a booking with nothing due",
        "held",
        "update payments set refunded_minor = captured_minor where intent_id = 'pi_16'",
    ),
    (
        "an expert paid more than was due",
        "payable",
        (
            "update ledger_entries set account = 'expert:00000003-0000-7000-8000-00000000fffe:payable'"
            " where group_id = md5('tr_10transfer')::uuid and left(account, 7) = 'expert:'"
        ),
    ),
    (
        "a company that owes less than nothing",
        "receivable",
        (
            "update ledger_entries set account = 'buyer:00000004-0000-7000-8000-00000000fffe:receivable'"
            " where group_id = md5('re_17refund')::uuid and account = 'provider_balance'"
        ),
    ),
    (
        "two refunds of the whole",
        "refunds",
        (
            "insert into refunds select (r).* from (select jsonb_populate_record(refunds, jsonb_build_object("
            "'id', gen_random_uuid(), 'token', 'again', 'provider_id', null, 'state', 'intended')) as r"
            " from refunds where provider_id = 're_18') as one"
        ),
    ),
    (
        "a charge that the provider does not have",
        "there",
        "delete from provider_movements where source = 'ch_16'",
    ),
    (
        "a refund at the provider that we did not make",
        "here",
        (
            "insert into provider_movements select 'txn_x', 'refund', 're_theirs', -500, 0, 'EUR', created, available"
            " from provider_movements where source = 'ch_10'"
        ),
    ),
    (
        "a fee of another amount than we booked",
        "differs",
        "update provider_movements set fee_minor = fee_minor + 100 where source = 'ch_10'",
    ),
)


def main() -> int:
    """Make the books, time the check, plant each error."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--size", type=int, default=100_000)
    size = parser.parse_args().size
    with books(size) as engine:
        failed = measure(engine, size)
        for what, kind, statement in ERRORS:
            found = planted(engine, statement)
            told = kind in found
            failed = failed or not told
            print(f"  {'✓' if told else '✗'} {what}: {', '.join(sorted(found)) or 'nothing found'}")
    return int(failed)


@contextmanager
def books(size: int) -> Iterator[sa.Engine]:
    """A database with the rows of so many bookings."""
    url, server = databases.start_server()
    try:
        with databases.own_database(url, None) as own:
            databases.migrate(own)
            engine = connect(own)
            with engine.begin() as connection:
                connection.exec_driver_sql("set local statement_timeout = 0")
                text = SETUP.format(size=size, quote=QUOTE, half=HALF, whole=WHOLE)
                connection.exec_driver_sql(text)
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql("set statement_timeout = 0")
                connection.exec_driver_sql("vacuum analyze")
            yield engine
            engine.dispose()
    finally:
        if server is not None:
            server.stop()  # type: ignore[attr-defined]


def measure(engine: sa.Engine, size: int) -> bool:
    """Three times each part; true where the books are not clean or the bar is missed."""
    with engine.connect() as connection:
        rows = {name: connection.scalar(sa.text(f"select count(*) from {name}")) for name in
                ("payments", "ledger_groups", "ledger_entries", "provider_movements")}  # fmt: skip
    print(f"  {size} bookings: {rows}")
    own = timed(engine, lambda session: list(ledger.check(session)))
    theirs = timed(engine, lambda session: list(ledger.differences(session, NOW)))
    funds = timed(engine, lambda session: [ledger.own_funds(session, 10**12)])
    plain = timed(
        engine,
        lambda session: session.execute(
            sa.text(
                "select sum(total) from (select sum(amount_minor) as total from ledger_entries group by group_id) as x"
            )
        ).all(),
    )
    print(
        f"  our own books {own[0]:.2f} s; beside the provider’s {theirs[0]:.2f} s; own_funds {funds[0]:.2f} s"
    )
    print(f"  one plain sum over all groups {plain[0]:.2f} s: ratio {(own[0] + theirs[0]) / plain[0]:.1f}")
    wrong = [*own[1], *theirs[1]]
    for finding in wrong[:5]:
        print(f"  ✗ clean books, and yet: {finding}")
    return bool(wrong) or own[0] + theirs[0] > BAR


def timed(engine: sa.Engine, act: Callable[[Session], Sequence[Any]]) -> tuple[float, Sequence[Any]]:
    """The best of three, in seconds, and what came of it."""
    best = float("inf")
    found: Sequence[Any] = ()
    for _ in range(3):
        with Session(engine) as session:
            session.execute(sa.text("set local statement_timeout = '300s'"))
            begun = time.monotonic()
            found = act(session)
            best = min(best, time.monotonic() - begun)
    return best, found


def planted(engine: sa.Engine, statement: str) -> set[str]:
    """What the check finds with one thing wrong, which is taken back afterwards."""
    with engine.connect() as connection:
        outer = connection.begin()
        connection.exec_driver_sql("set local session_replication_role = replica")
        changed = connection.exec_driver_sql(statement).rowcount
        assert changed, f"nothing was planted: {statement}"
        with Session(connection, join_transaction_mode="create_savepoint") as session:
            found = {one.kind for one in (*ledger.check(session), *ledger.differences(session, NOW))}
        outer.rollback()
    return found


if __name__ == "__main__":
    sys.exit(main())
