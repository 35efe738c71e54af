"""Companies and who belongs to them in which roles."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from .types import Base, Id, refers

ROLES = ("lead", "approver", "finance", "admin")


class MailDomain(Base):
    """One row a mail domain: the lock for limits that count per company (same domain, same company)."""

    __tablename__ = "mail_domains"
    domain: Mapped[str] = mapped_column(primary_key=True)


class Company(Base):
    """A buyer's company. Legal name, address and VAT number are asked when payment first opens."""

    __tablename__ = "companies"
    id: Mapped[Id]
    name: Mapped[str]
    domain: Mapped[str] = refers("mail_domains.domain")
    legal_name: Mapped[str | None]
    street: Mapped[str | None]
    postcode: Mapped[str | None]
    city: Mapped[str | None]
    country: Mapped[str | None] = mapped_column(String(2))
    vat_number: Mapped[str | None]
    # Since when the company pays on terms; none yet (the companies issue grants them).
    terms_since: Mapped[datetime | None]
    created_at: Mapped[datetime]


class Membership(Base):
    """A person's place in a company. Roles: lead, approver, finance, admin; several at once."""

    __tablename__ = "memberships"
    __table_args__ = (
        UniqueConstraint("person_id", "company_id"),
        CheckConstraint("roles <@ array['lead','approver','finance','admin']::text[]", "roles"),
    )
    id: Mapped[Id]
    person_id: Mapped[uuid.UUID] = refers("people.id", index=False)
    company_id: Mapped[uuid.UUID] = refers("companies.id")
    roles: Mapped[list[str]]
    joined_at: Mapped[datetime]
