"""People, their log-ins, mailed links, accepted documents; and the limits on trying."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Index,
    LargeBinary,
    UniqueConstraint,
    func,
    literal_column,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from .types import Base, Id, one_of, refers

LANGUAGES = ("fr", "en")
# verify: the first proof of an address; reset: a new password; change: a new address, mailed to it;
# keep: "it was not me", mailed to the old one.
LINK_PURPOSES = ("verify", "reset", "change", "keep")


class Person(Base):
    """Somebody with an account. Being an operator is a fact about a person; all else are rows elsewhere."""

    __tablename__ = "people"
    __table_args__ = (
        CheckConstraint(one_of("language", LANGUAGES), "language"),
        CheckConstraint("email = lower(email)", "email_lower"),
        Index("ix_people_newest", text("created_at desc"), "id"),
        # Searched by any part, whatever the case and the accents: `folded` is the migration's function.
        Index(
            "ix_people_name",
            func.folded(literal_column("name")).label("words"),
            postgresql_using="gin",
            postgresql_ops={"words": "gin_trgm_ops"},
        ),
        Index("ix_people_email", "email", postgresql_using="gin", postgresql_ops={"email": "gin_trgm_ops"}),
    )
    id: Mapped[Id]
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    # No password: a loaded demo person, who logs in by one click in demo mode alone.
    password_hash: Mapped[str | None]
    language: Mapped[str] = mapped_column(default="fr")
    zone: Mapped[str] = mapped_column(default="Europe/Paris")
    operator: Mapped[bool] = mapped_column(default=False)
    demo: Mapped[bool] = mapped_column(default=False)
    email_verified_at: Mapped[datetime | None]
    suspended_at: Mapped[datetime | None]
    # Sessions nobody came to, as settled: counted on both sides.
    absent_count: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]


class LogIn(Base):
    """A signed-in session of the web ("session" is the paid one). The cookie holds a token, we its hash."""

    __tablename__ = "log_ins"
    id: Mapped[Id]
    person_id: Mapped[uuid.UUID] = refers("people.id")
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    # When the person last proved who they are in this log-in (password, second factor), and whether with the second.
    proved_at: Mapped[datetime]
    factor_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    user_agent: Mapped[str] = mapped_column(default="")
    address: Mapped[str] = mapped_column(default="")


class MailedLink(Base):
    """A single-use token in a mail, hashed at rest, good for one purpose only."""

    __tablename__ = "mailed_links"
    __table_args__ = (
        CheckConstraint(one_of("purpose", LINK_PURPOSES), "purpose"),
        CheckConstraint("(purpose in ('change', 'keep')) = (carries is not null)", "carries"),
    )
    id: Mapped[Id]
    person_id: Mapped[uuid.UUID] = refers("people.id")
    purpose: Mapped[str]
    # The address a "change" leads to, or the one "keep" leads back to.
    carries: Mapped[str | None]
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    made_at: Mapped[datetime]
    until: Mapped[datetime]
    used_at: Mapped[datetime | None]


class SecondFactor(Base):
    """A person's TOTP secret (RFC 6238), sealed at rest; the row comes with the first right code.

    Each time step is good once: `last_counter` remembers it.
    """

    __tablename__ = "second_factors"
    person_id: Mapped[uuid.UUID] = refers("people.id", primary_key=True, index=False)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    last_counter: Mapped[int] = mapped_column(BigInteger, default=0)
    made_at: Mapped[datetime]


class RecoveryCode(Base):
    """A code for whoever lost the second factor's device: hashed, good once."""

    __tablename__ = "recovery_codes"
    id: Mapped[Id]
    person_id: Mapped[uuid.UUID] = refers("people.id")
    code_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    made_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Acceptance(Base):
    """Who accepted which version of which document when; for a booking's documents, for which booking."""

    __tablename__ = "acceptances"
    __table_args__ = (
        UniqueConstraint(
            "person_id", "document", "version", "booking_id", postgresql_nulls_not_distinct=True
        ),
    )
    id: Mapped[Id]
    person_id: Mapped[uuid.UUID] = refers("people.id", index=False)
    document: Mapped[str]
    version: Mapped[str]
    # An opaque id: bookings stand to the right of people.
    booking_id: Mapped[uuid.UUID | None]
    accepted_at: Mapped[datetime]
    address: Mapped[str] = mapped_column(default="")


class Attempt(Base):
    """One counter of tries per key and window; counted by one atomic statement."""

    __tablename__ = "attempts"
    key: Mapped[str] = mapped_column(primary_key=True)
    window_start: Mapped[datetime] = mapped_column(primary_key=True)
    tries: Mapped[int]


class ClockRow(Base):
    """The demo clock's offset; one row. Production refuses to start when it is not zero."""

    __tablename__ = "clock"
    __table_args__ = (CheckConstraint("id = 1", "one_row"),)
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    offset_seconds: Mapped[int]


class AuditRow(Base):
    """What operators and the account's owner did: append-only (a trigger refuses UPDATE and DELETE)."""

    __tablename__ = "audit"
    __table_args__ = (
        Index("ix_audit_at", text("at desc"), "id"), Index("ix_audit_subject", "subject", "at"),
        Index("ix_audit_actor", "actor_id", "at"), Index("ix_audit_act", "act", "at"),
    )  # fmt: skip
    id: Mapped[Id]
    at: Mapped[datetime]
    actor_id: Mapped[uuid.UUID | None] = refers("people.id", index=False)
    act: Mapped[str]
    subject: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")
    address: Mapped[str] = mapped_column(default="")


class WorkerBeat(Base):
    """When the worker last showed life; `/healthz` asks."""

    __tablename__ = "worker_beats"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    beat_at: Mapped[datetime]
