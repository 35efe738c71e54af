"""The records' own guards: what the database refuses whatever the code does."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from marketplace.storage.db import Database
from marketplace.storage.people import AuditRow


class TestTheOneCommit:
    def test_leaving_by_an_exception_rolls_back(self, db: Database) -> None:
        with pytest.raises(RuntimeError), db.transaction() as tx:
            tx.session.add(AuditRow(at=tx.now, act="x", subject="y"))
            tx.session.flush()  # So that the row is really there before the fall.
            raise RuntimeError
        with db.reading() as session:
            assert session.scalar(sa.select(sa.func.count()).select_from(AuditRow)) == 0

    def test_a_use_case_inside_a_use_case_is_refused(self, db: Database) -> None:
        with db.transaction(), pytest.raises(RuntimeError), db.transaction():
            pass


class TestAppendOnly:
    def test_an_audit_row_is_neither_changed_nor_deleted(self, db: Database) -> None:
        with db.transaction() as tx:
            tx.session.add(AuditRow(at=tx.now, act="x", subject="y"))
        for statement in ("update audit set act = 'z'", "delete from audit"):
            with pytest.raises(sa.exc.DBAPIError, match="append-only"), db.transaction() as tx:
                tx.session.execute(sa.text(statement))
