"""own_funds never pays out somebody else's money: random histories of bookings, months and payouts.

The sum is made in SQL and in the domain; here it is made again, entry by entry, in plain Python.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.domain import postings
from marketplace.domain.months import begins, month_after, month_of
from marketplace.domain.own_funds import Owed, own_funds, uncovered
from marketplace.domain.pricing import BuyerTax, PlatformTax, Quote, SellerTax, quote
from marketplace.domain.refunds import refund_of
from marketplace.services import ledger
from marketplace.storage.db import Database
from marketplace.storage.ledger import LedgerEntry, LedgerGroup
from tests.clock import FakeClock

EXPERT, COMPANY = uuid.UUID(int=7), uuid.UUID(int=8)
MOVES = (
    "card", "invoice", "pay_part", "pay_rest", "share", "transfer", "refund", "refund_failed", "write_off",
    "payout", "payout", "month",
)  # fmt: skip


@dataclass
class One:
    """A booking as the walk knows it."""

    subject: uuid.UUID
    quote: Quote
    on_terms: bool
    open_minor: int = 0
    written_off: int = 0
    share: int = 0
    shared: bool = False
    refunded: bool = False
    done: set[str] = field(default_factory=set)


class Walk:
    """Moves on the real ledger; the balance at the provider is what the ledger says it is, all settled."""

    def __init__(self, db: Database, clock: FakeClock) -> None:
        self.db, self.clock = db, clock
        self.bookings: list[One] = []

    def post(self, entries: postings.Entries, one: One | None) -> None:
        with self.db.transaction() as tx:
            ledger.post(
                tx, source=str(uuid.uuid4()), kind="captured", subject=one.subject if one else None, at=tx.now,
                entries=entries, why="walk",
            )  # fmt: skip

    def do(self, move: str, which: int, price: int) -> None:
        self.clock.move(timedelta(hours=7))
        if move in ("card", "invoice"):
            self.begin(move, price)
        elif move == "month":
            self.clock.move_to(begins(month_after(month_of(self.clock()))) + timedelta(days=1))
            ledger.close_due(self.db)
        elif move == "payout":
            self.pay_out()
        elif self.bookings:
            acts: dict[str, Callable[[One], None]] = {
                "pay_part": lambda one: self.pay(one, one.open_minor // 3),
                "pay_rest": lambda one: self.pay(one, one.open_minor),
                "share": self.fall_due, "transfer": self.transfer, "refund": self.refund,
                "refund_failed": self.refund_fails, "write_off": self.write_off,
            }  # fmt: skip
            acts[move](self.bookings[which % len(self.bookings)])

    def begin(self, move: str, price: int) -> None:
        asked = quote(
            price, service_fee_bp=1_000, commission_bp=1_000, seller=SellerTax("FR"), buyer=BuyerTax("FR", "FR1"),
            platform=PlatformTax("FR"),
        )  # fmt: skip
        one = One(uuid.uuid4(), asked, move == "invoice")
        self.bookings.append(one)
        entries = postings.captured(asked, one.subject)
        if one.on_terms:
            one.open_minor = asked.total
            entries = postings.against(postings.owed_by(COMPANY), entries)
        self.post(entries, one)

    def pay(self, one: One, minor: int) -> None:
        if minor > 0:
            one.open_minor -= minor
            self.post(postings.invoice_paid(minor, COMPANY, open_minor=minor, written_off_minor=0), one)

    def write_off(self, one: One) -> None:
        if one.open_minor:
            self.post(postings.written_off(one.open_minor, COMPANY), one)
            one.open_minor = 0

    def fall_due(self, one: One) -> None:
        if not one.shared and not one.refunded:
            one.shared = True
            entries = postings.share_due(one.quote, one.subject, EXPERT, {})
            one.share = -dict(entries)[postings.payable(EXPERT)]
            self.post(entries, one)

    def transfer(self, one: One) -> None:
        """The expert is paid once the money is there; out of own funds where it is not (given up)."""
        if one.share and not one.open_minor and self.available() >= one.share:
            self.post(postings.transferred(one.share, EXPERT), one)
            one.share = 0

    def refund(self, one: One) -> None:
        if not one.refunded and not one.shared and not one.open_minor and not one.on_terms:
            one.refunded = True
            self.post(postings.refund_before_share(refund_of(one.quote, 100).lines, one.subject), one)

    def refund_fails(self, one: One) -> None:
        if one.refunded and "failed" not in one.done:
            one.done.add("failed")
            self.post(postings.refund_failed(one.quote.total, COMPANY), one)

    def available(self) -> int:
        with self.db.reading() as session:
            return ledger.balance(session, "provider_balance")

    def pay_out(self) -> None:
        with self.db.reading() as session:
            funds = ledger.own_funds(session, self.available())
        assert funds.minor == self.available() - self.others()
        if funds.minor > 0:
            self.post(postings.platform_payout(funds.minor), None)
            assert self.available() == self.others()

    def others(self) -> int:
        """Held, payable, owed and the open month's VAT, counted by hand over what has come in."""
        since = self.open_since()
        sums: dict[uuid.UUID, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        for subject, at, account, minor in self.entries():
            of = sums[subject]
            if account.startswith("vat:"):
                of["vat"] -= minor if since is None or at >= since else 0
            elif account.endswith(":receivable"):
                of["unpaid"] += minor
            elif account.startswith("held:") or account.endswith((":payable", ":owed")):
                of["others"] -= minor
            elif account == "provider_balance":
                of["there"] += minor
        total = 0
        vat = 0
        for of in sums.values():
            if of["unpaid"] <= 0:
                total, vat = total + of["others"], vat + of["vat"]
                continue
            left = max(0, of["there"])
            kept = min(of["others"], left)
            total, vat = total + kept, vat + min(max(0, of["vat"]), left - kept)
        return total + max(0, vat)

    def open_since(self) -> datetime | None:
        with self.db.reading() as session:
            last = ledger.closed_month(session)
        return last.ends_at if last else None

    def entries(self) -> list[tuple[uuid.UUID, datetime, str, int]]:
        with self.db.reading() as session:
            rows = session.execute(
                sa.select(LedgerGroup.subject, LedgerGroup.at, LedgerEntry.account, LedgerEntry.amount_minor)
                .join(LedgerEntry, LedgerEntry.group_id == LedgerGroup.id)
            )  # fmt: skip
            return [(row[0], row[1], row[2], row[3]) for row in rows if row[0] is not None]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    moves=st.lists(
        st.tuples(st.sampled_from(MOVES), st.integers(0, 5), st.integers(20_000, 300_000)),
        min_size=3,
        max_size=25,
    )
)
def test_no_payout_ever_takes_somebody_elses_money(
    db: Database, clock: FakeClock, moves: list[tuple[str, int, int]]
) -> None:
    with db.engine.begin_nested() as nested:  # type: ignore[union-attr]
        started = clock()
        walk = Walk(db, clock)
        for move in moves:
            walk.do(*move)
        walk.pay_out()
        nested.rollback()
        clock.now = started


MINOR = st.integers(0, 10_000)
OWED = st.builds(Owed, MINOR, MINOR, MINOR, MINOR)


@given(OWED, st.integers(-5_000, 50_000))
def test_what_is_not_covered_is_what_has_not_arrived(owed: Owed, arrived: int) -> None:
    rest = uncovered(owed, arrived)
    assert owed.less(rest).minor == min(owed.minor, max(0, arrived))
    assert min(rest.held, rest.payable, rest.owed, rest.vat) >= 0


@given(MINOR, OWED, MINOR)
def test_every_term_is_in_the_sum(available: int, everything: Owed, under_way: int) -> None:
    funds = own_funds(available, everything, [], under_way=under_way)
    assert funds.minor == available - under_way - everything.minor


def test_vat_the_tax_office_owes_us_is_in_no_balance() -> None:
    assert own_funds(100, Owed(vat=-50), []).minor == 100
