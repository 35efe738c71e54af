"""Both sides' books as they stand, read with plain SQL from outside: our records, and the provider's objects."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

Row = dict[str, Any]
# A change of state at the provider that moves money: each has exactly one group in our ledger.
MONEY = {"charge": "captured", "refund": "refund", "transfer": "transfer"}


@dataclass(frozen=True)
class Books:
    """Everything there is, by table here and by kind there."""

    ours: dict[str, list[Row]]
    theirs: dict[str, list[Row]]

    def of(self, table: str, **equal: Any) -> list[Row]:
        """Our rows with these values."""
        return [row for row in self.ours[table] if all(row[name] == value for name, value in equal.items())]

    def at(self, kind: str, **equal: Any) -> list[Row]:
        """The provider's objects with these values."""
        return [one for one in self.theirs[kind] if all(one.get(k) == v for k, v in equal.items())]

    def entries(self, source: str, kind: str) -> dict[str, int] | None:
        """The group's amounts by account, minor units; None where it is not posted."""
        groups = self.of("ledger_groups", source=source, kind=kind)
        if not groups:
            return None
        return {
            row["account"]: row["amount_minor"] for row in self.of("ledger_entries", group_id=groups[0]["id"])
        }


TABLES = (
    "bookings", "booking_moves", "claims", "payments", "provider_calls", "refunds", "transfers", "inbox",
    "ledger_groups", "ledger_entries", "chargebacks", "platform_payouts",
)  # fmt: skip


def read(engine: sa.Engine) -> Books:
    """All of it, in one transaction."""
    theirs: dict[str, list[Row]] = defaultdict(list)
    with engine.connect() as connection:
        ours = {name: _rows(connection, f"select * from {name} order by id") for name in TABLES}
        for row in _rows(connection, "select kind, data from sandbox.objects order by made"):
            theirs[row["kind"]].append(row["data"])
    return Books(ours, theirs)


def jobs(engine: sa.Engine) -> list[Row]:
    """What the queue still holds."""
    with engine.connect() as connection:
        return _rows(connection, "select id, task_name, status::text, args, attempts from procrastinate_jobs")


def _rows(connection: sa.Connection, statement: str) -> list[Row]:
    return [dict(row) for row in connection.execute(sa.text(statement)).mappings()]


def told(books: Books, booking_id: Any) -> list[str]:
    """One booking's end in lines without ids and times: two that went the same way read the same."""
    lines = [f"booking {row['state']}" for row in books.of("bookings", id=booking_id)]
    lines += [
        f"move {row['move']}: {row['from_state']} > {row['to_state']}"
        for row in books.of("booking_moves", booking_id=booking_id)
    ]
    for payment in books.of("payments", subject=booking_id):
        lines += _payment(books, payment)
    groups = books.of("ledger_groups", subject=booking_id)
    lines += sorted(f"ledger {row['kind']} {_accounts(books, row)}" for row in groups)
    return lines


def told_of_payout(books: Books, token: str) -> list[str]:
    """One payout of our own money, in the same way."""
    lines = []
    for row in books.of("platform_payouts", token=token):
        lines.append(f"payout {row['state']} {row['amount_minor']}")
        groups = books.of("ledger_groups", source=row["provider_id"])
        lines += [f"ledger {group['kind']} {_accounts(books, group)}" for group in groups]
        there = [one for one in books.theirs["payout"] if one["metadata"].get("reference") == str(row["id"])]
        lines += [f"there: payout {one['status']} {one['amount']}" for one in there]
        lines += _movements(books, [one["id"] for one in there])
    return lines


def _accounts(books: Books, group: Row) -> str:
    """The group's amounts; an account of its own is the same for every booking."""
    found = books.of("ledger_entries", group_id=group["id"])
    named = [(_plain(row["account"]), row["amount_minor"]) for row in found]
    return ", ".join(f"{account} {minor}" for account, minor in sorted(named))


def _plain(account: str) -> str:
    parts = account.split(":")
    return ":".join(["*" if "-" in part else part for part in parts])


def _payment(books: Books, payment: Row) -> Iterator[str]:
    yield (
        f"payment {payment['state']} {payment['amount_minor']} captured {payment['captured_minor']}"
        f" refunded {payment['refunded_minor']} frozen {payment['frozen_by'] is not None}"
    )
    mine = {"payment_id": payment["id"]}
    yield from sorted(f"call {row['kind']} {row['state']}" for row in books.of("provider_calls", **mine))
    for row in books.of("refunds", **mine):
        yield f"refund {row['state']} {row['amount_minor']}"
    for row in books.of("chargebacks", **mine):
        yield f"chargeback {row['state']} {row['taken_minor']} sent {row['submitted_at'] is not None}"
    for row in books.of("transfers", **mine):
        yield f"transfer {row['state']} {row['amount_minor']} reversed {row['reversed_minor']}"
    yield from _at_provider(books, payment)


def _at_provider(books: Books, payment: Row) -> Iterator[str]:
    customers = [
        one for one in books.theirs["customer"] if one["metadata"].get("reference") == payment["reference"]
    ]
    yield from ("there: a customer" for _one in customers)
    for dispute in books.at("dispute", charge=payment["charge_id"] or "-"):
        sent = dispute["evidence_details"]["submission_count"]
        yield f"there: dispute {dispute['status']} {dispute['amount']} sent {sent}"
        yield from _movements(books, [dispute["id"]])
    for session in books.at("checkout.session", client_reference_id=payment["reference"]):
        yield f"there: checkout {session['status']} {session['payment_status']} {session['amount_total']}"
    for intent in books.at("payment_intent", transfer_group=payment["reference"]):
        yield f"there: intent {intent['status']} received {intent['amount_received']}"
        for charge in books.at("charge", payment_intent=intent["id"]):
            yield f"there: charge captured {charge['amount_captured']} refunded {charge['amount_refunded']}"
            yield from _movements(books, [charge["id"]])
        refunds = books.at("refund", payment_intent=intent["id"])
        yield from sorted(f"there: refund {one['status']} {one['amount']}" for one in refunds)
        yield from _movements(books, [one["id"] for one in refunds])
    transfers = books.at("transfer", transfer_group=payment["reference"])
    yield from (f"there: transfer {one['amount']} reversed {one['amount_reversed']}" for one in transfers)
    back = [one for made in transfers for one in books.at("transfer_reversal", transfer=made["id"])]
    yield from _movements(books, [one["id"] for one in (*transfers, *back)])


def _movements(books: Books, sources: Sequence[str]) -> list[str]:
    found = [one for one in books.theirs["balance_transaction"] if one["source"] in sources]
    return sorted(f"there: balance {one['type']} {one['amount']} fee {one['fee']}" for one in found)
