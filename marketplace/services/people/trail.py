"""The audit trail: who did what when; the table refuses changes and deletions."""

from __future__ import annotations

import uuid

from ...storage.db import Tx
from ...storage.people import AuditRow


def write_audit(
    tx: Tx, *, actor_id: uuid.UUID | None, act: str, subject: str, reason: str = "", address: str = ""
) -> None:
    """One line, with the transaction's time. `subject` names the thing by number or id, never a secret."""
    tx.session.add(
        AuditRow(at=tx.now, actor_id=actor_id, act=act, subject=subject, reason=reason, address=address[:64])
    )
