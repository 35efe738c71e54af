"""The ledger: written once, read back, and each kind of fault found by the check."""

from __future__ import annotations

import uuid

import pytest
import sqlalchemy as sa

from marketplace.services import ledger
from marketplace.storage.db import Database
from marketplace.storage.ledger import LedgerEntry, LedgerGroup
from marketplace.storage.payments import Payment, Refund
from tests import factories as make

ENTRIES = [("provider_balance", 100), ("service_fee", -100)]


def post(db: Database, *, source: str = "pi_1", kind: str = "captured", entries: ledger.Entries = ENTRIES,
         subject: uuid.UUID | None = None) -> bool:  # fmt: skip
    with db.transaction() as tx:
        return ledger.post(
            tx, source=source, kind=kind, subject=subject, at=tx.now, entries=entries, why="test"
        )


def kinds_found(db: Database) -> set[str]:
    with db.reading() as session:
        return {finding.kind for finding in ledger.check(session)}


class TestPosting:
    def test_it_is_written_once(self, db: Database) -> None:
        assert [post(db), post(db)] == [True, False]
        with db.reading() as session:
            assert ledger.balance(session, "provider_balance") == 100
            assert ledger.is_posted(session, "pi_1", "captured")
            assert not ledger.is_posted(session, "pi_1", "refund")

    def test_other_amounts_under_the_same_name_are_a_defect(self, db: Database) -> None:
        post(db)
        with pytest.raises(ledger.LedgerConflict):
            post(db, entries=[("provider_balance", 99), ("service_fee", -99)])

    def test_another_kind_of_the_same_object_is_another_group(self, db: Database) -> None:
        assert [post(db), post(db, kind="refund")] == [True, True]

    def test_what_does_not_balance_is_refused(self, db: Database) -> None:
        with pytest.raises(ledger.LedgerConflict):
            post(db, entries=[("provider_balance", 100), ("service_fee", -99)])

    def test_the_database_refuses_it_too(self, db: Database) -> None:
        with pytest.raises(sa.exc.IntegrityError), db.transaction() as tx:
            group = LedgerGroup(source="x", kind="captured", at=tx.now, why="test")
            tx.session.add(group)
            tx.session.flush()
            tx.session.add(LedgerEntry(group_id=group.id, account="a", amount_minor=5, currency="EUR"))

    @pytest.mark.parametrize(
        "statement", ["delete from ledger_entries", "update ledger_groups set why = 'y'"]
    )
    def test_nothing_written_is_changed(self, db: Database, statement: str) -> None:
        post(db)
        with pytest.raises(sa.exc.DBAPIError), db.transaction() as tx:
            tx.session.execute(sa.text(statement))

    @pytest.mark.parametrize(
        ("account", "subject"),
        [
            (f"expert:{uuid.UUID(int=1)}:payable", None),
            (f"buyer:{uuid.UUID(int=1)}:owed", None),
            (f"held:{uuid.UUID(int=1)}", None),
            (f"held:{uuid.UUID(int=1)}", uuid.UUID(int=2)),
            ("piggy_bank", uuid.UUID(int=1)),
            ("expert:somebody:payable", uuid.UUID(int=1)),
        ],
    )
    def test_no_entry_on_an_account_of_something_else_or_of_no_name(
        self, db: Database, account: str, subject: uuid.UUID | None
    ) -> None:
        with pytest.raises(sa.exc.IntegrityError):
            post(db, entries=[("provider_balance", 5), (account, -5)], subject=subject)

    def test_one_group_one_currency(self, db: Database) -> None:
        with pytest.raises(sa.exc.IntegrityError, match="mixes currencies"), db.transaction() as tx:
            group = LedgerGroup(source="x", kind="captured", at=tx.now, why="test")
            tx.session.add(group)
            tx.session.flush()
            for minor, currency in ((5, "EUR"), (-5, "CHF")):
                tx.session.add(
                    LedgerEntry(
                        group_id=group.id, account="provider_balance", amount_minor=minor, currency=currency
                    )
                )  # fmt: skip

    def test_lines_of_nothing_are_left_out(self, db: Database) -> None:
        subject = uuid.uuid4()
        post(db, entries=[*ENTRIES, ("vat:service_fee", 0)], subject=subject)
        assert not post(
            db, source="pi_2", entries=[("provider_balance", 0), ("service_fee", 0)], subject=subject
        )
        with db.reading() as session:
            (group,) = ledger.entries_of(session, subject)
        assert dict(group.entries) == dict(ENTRIES)


class TestReading:
    def test_a_subjects_groups_oldest_first(self, db: Database) -> None:
        made = make.booking(db, state="confirmed")
        with db.reading() as session:
            groups = ledger.entries_of(session, made.id)
        assert [group.kind for group in groups] == ["captured", "provider_fee"]
        assert all(sum(minor for _account, minor in group.entries) == 0 for group in groups)

    def test_balances_by_account(self, db: Database) -> None:
        post(db)
        with db.reading() as session:
            assert ledger.balances(session) == {"provider_balance": 100, "service_fee": -100}
            assert ledger.balances(session, "CHF") == {}


class TestTheCheck:
    @pytest.fixture
    def confirmed(self, db: Database) -> make.Made:
        made = make.booking(db, state="confirmed")
        assert kinds_found(db) == set()
        return made

    def change(self, db: Database, made: make.Made, **values: object) -> None:
        with db.transaction() as tx:
            tx.session.execute(sa.update(Payment).where(Payment.subject == made.id).values(**values))

    def test_an_empty_house_holds(self, db: Database) -> None:
        assert kinds_found(db) == set()

    def test_a_group_without_its_object(self, db: Database, confirmed: make.Made) -> None:
        post(db, source="pi_nobody", entries=[("provider_balance", 1), ("service_fee", -1)])
        assert kinds_found(db) == {"orphan"}

    def test_a_capture_without_its_group(self, db: Database, confirmed: make.Made) -> None:
        self.change(db, confirmed, intent_id="pi_other")
        assert kinds_found(db) == {"missing", "orphan"}

    def test_a_share_said_to_be_due_and_not_posted(self, db: Database, confirmed: make.Made) -> None:
        self.change(db, confirmed, share_posted_at=db.clock())
        assert kinds_found(db) == {"missing", "held"}

    def test_a_refund_said_to_be_done_and_not_posted(self, db: Database, confirmed: make.Made) -> None:
        payment = make.payment_of(db, confirmed)
        with db.transaction() as tx:
            tx.session.add(
                Refund(
                    payment_id=payment.id, token="t", amount_minor=5, lines={"price": 5}, after_share=False,
                    why="x", state="done", provider_id="re_1", decided_at=tx.now, ended_at=tx.now,
                )
            )  # fmt: skip
        assert kinds_found(db) == {"missing"}

    def test_money_held_for_a_booking_with_nothing_due(self, db: Database, confirmed: make.Made) -> None:
        self.change(db, confirmed, refunded_minor=Payment.captured_minor)
        assert kinds_found(db) == {"held"}

    def test_unless_a_refund_is_under_way(self, db: Database, confirmed: make.Made) -> None:
        payment = make.payment_of(db, confirmed)
        self.change(db, confirmed, refunded_minor=Payment.captured_minor)
        with db.transaction() as tx:
            tx.session.add(
                Refund(
                    payment_id=payment.id, token="t", amount_minor=payment.amount_minor, lines={},
                    after_share=False, why="x", decided_at=tx.now,
                )
            )  # fmt: skip
        assert kinds_found(db) == set()

    def test_or_it_is_contested(self, db: Database, confirmed: make.Made) -> None:
        self.change(db, confirmed, refunded_minor=Payment.captured_minor, frozen_by="dp_1")
        assert kinds_found(db) == set()

    @pytest.mark.parametrize(
        ("account", "kind", "minor"),
        [("expert:{}:payable", "payable", 7), ("buyer:{}:receivable", "receivable", -7)],
    )
    def test_an_account_on_its_wrong_side(
        self, db: Database, confirmed: make.Made, account: str, kind: str, minor: int
    ) -> None:
        name = account.format(uuid.uuid4())
        post(db, source="x", entries=[(name, minor), ("write_offs", -minor)], subject=confirmed.id)
        assert kind in kinds_found(db)

    def test_what_is_missing_is_told_apart_with_the_amount(self, db: Database, confirmed: make.Made) -> None:
        # Spent at the provider's side: the fees of refunded bookings, a lost dispute.
        payment = make.payment_of(db, confirmed)
        short = payment.amount_minor
        post(
            db, source="po_1", kind="spent", entries=[("platform_bank", short), ("provider_balance", -short)]
        )
        with db.reading() as session:
            findings = [one for one in ledger.check(session) if one.kind != "orphan"]
        (shortfall,) = findings
        assert shortfall.shortfall
        owed = 144_000 - (payment.amount_minor - 2_315 - short)
        assert shortfall.text == f"top up {owed // 100}.{owed % 100:02d}"
