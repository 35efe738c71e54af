"""A company's rule on approvals, and the invitations to be its approver."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from ..domain.approvals import KINDS
from .types import Base, Id, one_of, refers


class ApprovalRule(Base):
    """When an approver is asked. No row: never. `above_minor`: total with VAT, minor units of the euro."""

    __tablename__ = "approval_rules"
    __table_args__ = (
        CheckConstraint(one_of("kind", KINDS), "kind"),
        CheckConstraint("(kind = 'above') = (above_minor is not null and above_minor > 0)", "above"),
    )
    company_id: Mapped[uuid.UUID] = refers("companies.id", primary_key=True, index=False)
    kind: Mapped[str]
    above_minor: Mapped[int | None] = mapped_column(BigInteger)
    changed_at: Mapped[datetime]


class ApproverInvitation(Base):
    """A mailed invitation to approve for a company; its token is hashed, and comes with the letter."""

    __tablename__ = "approver_invitations"
    __table_args__ = (
        CheckConstraint("(accepted_at is null) = (person_id is null)", "accepted"),
        # One at a time a company.
        Index(
            "ix_approver_invitations_open",
            "company_id",
            unique=True,
            postgresql_where=text("revoked_at is null and accepted_at is null"),
        ),
    )
    id: Mapped[Id]
    company_id: Mapped[uuid.UUID] = refers("companies.id", index=False)
    email: Mapped[str]
    invited_by: Mapped[uuid.UUID] = refers("people.id")
    token_hash: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)
    made_at: Mapped[datetime]
    until: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
    accepted_at: Mapped[datetime | None]
    person_id: Mapped[uuid.UUID | None] = refers("people.id")
