"""Places in the queue of a full calendar, and times that a buyer proposes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0035_places"
down_revision = "0034_approvals"
branch_labels = None
depends_on = None

OPEN = "state in ('waiting', 'offered')"
MOVERS = ("lead", "approver", "expert", "operator", "clock", "provider")


def _instant(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=null)


def _id(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.Uuid(), nullable=null)


def _refers(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}_{to}"), ondelete="RESTRICT"
    )


def _movers(kinds: tuple[str, ...]) -> None:
    op.drop_constraint(op.f("ck_booking_moves_actor_kind"), "booking_moves", type_="check")
    named = ", ".join(repr(kind) for kind in kinds)
    op.create_check_constraint(
        op.f("ck_booking_moves_actor_kind"), "booking_moves", f"actor_kind in ({named})"
    )


def upgrade() -> None:
    op.add_column("bookings", _instant("queued_at", null=True))
    _movers((*MOVERS, "queue", "loader"))
    op.create_table(
        "queue_places",
        _id("id"),
        _id("lead_id"),
        _id("company_id"),
        _id("expert_id"),
        _id("offer_id"),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        _instant("begins_at"),
        _instant("ends_at"),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        _instant("joined_at"),
        _instant("offered_at", null=True),
        _instant("closed_at", null=True),
        _id("booking_id", null=True),
        _id("proposal_id", null=True),
        sa.CheckConstraint(
            "state in ('waiting', 'offered', 'taken', 'passed', 'left', 'ended', 'gone')",
            name=op.f("ck_queue_places_state"),
        ),
        sa.CheckConstraint("ends_at > begins_at", name=op.f("ck_queue_places_dates")),
        sa.CheckConstraint(f"({OPEN}) = (closed_at is null)", name=op.f("ck_queue_places_closed")),
        sa.CheckConstraint(
            "num_nonnulls(booking_id, proposal_id) <= 1", name=op.f("ck_queue_places_one_slot")
        ),
        sa.CheckConstraint(
            "state not in ('offered', 'taken', 'passed') or num_nonnulls(booking_id, proposal_id) = 1",
            name=op.f("ck_queue_places_given"),
        ),
        _refers("queue_places", "lead_id", "people"),
        _refers("queue_places", "company_id", "companies"),
        _refers("queue_places", "expert_id", "experts"),
        _refers("queue_places", "offer_id", "offers"),
        _refers("queue_places", "booking_id", "bookings"),
        _refers("queue_places", "proposal_id", "proposals"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_queue_places")),
        sa.UniqueConstraint("token", name=op.f("uq_queue_places_token")),
        sa.UniqueConstraint("booking_id", name=op.f("uq_queue_places_booking_id")),
        sa.UniqueConstraint("proposal_id", name=op.f("uq_queue_places_proposal_id")),
    )
    op.create_index(
        "uq_queue_places_open", "queue_places", ["lead_id", "offer_id"], unique=True,
        postgresql_where=sa.text(OPEN),
    )  # fmt: skip
    op.create_index(
        "ix_queue_places_waiting", "queue_places", ["expert_id", "joined_at", "id"],
        postgresql_where=sa.text("state = 'waiting'"),
    )  # fmt: skip
    op.create_index(
        "ix_queue_places_due", "queue_places", ["ends_at"], postgresql_where=sa.text("state = 'waiting'")
    )
    op.create_index("ix_queue_places_lead", "queue_places", ["lead_id", sa.text("joined_at desc")])
    op.create_index(op.f("ix_queue_places_company_id"), "queue_places", ["company_id"])
    op.create_index(op.f("ix_queue_places_offer_id"), "queue_places", ["offer_id"])
    op.create_table(
        "asked_times",
        _id("id"),
        _id("lead_id"),
        _id("company_id"),
        _id("expert_id"),
        _id("offer_id"),
        _id("version_id"),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("starts", postgresql.ARRAY(sa.DateTime(timezone=True)), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        _instant("asked_at"),
        _instant("deadline", null=True),
        _instant("closed_at", null=True),
        _id("booking_id", null=True),
        sa.CheckConstraint(
            "state in ('open', 'taken', 'declined', 'withdrawn', 'unanswered')",
            name=op.f("ck_asked_times_state"),
        ),
        sa.CheckConstraint("(state = 'open') = (deadline is not null)", name=op.f("ck_asked_times_deadline")),
        sa.CheckConstraint("(state = 'open') = (closed_at is null)", name=op.f("ck_asked_times_closed")),
        sa.CheckConstraint("(state = 'taken') = (booking_id is not null)", name=op.f("ck_asked_times_taken")),
        sa.CheckConstraint("cardinality(starts) = 3", name=op.f("ck_asked_times_starts")),
        _refers("asked_times", "lead_id", "people"),
        _refers("asked_times", "company_id", "companies"),
        _refers("asked_times", "expert_id", "experts"),
        _refers("asked_times", "offer_id", "offers"),
        _refers("asked_times", "version_id", "offer_versions"),
        _refers("asked_times", "booking_id", "bookings"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asked_times")),
        sa.UniqueConstraint("token", name=op.f("uq_asked_times_token")),
    )
    op.create_index(
        "ix_asked_times_due", "asked_times", ["deadline"], postgresql_where=sa.text("deadline is not null")
    )
    op.create_index("ix_asked_times_lead", "asked_times", ["lead_id", sa.text("asked_at desc")])
    op.create_index("ix_asked_times_expert", "asked_times", ["expert_id", sa.text("asked_at desc")])
    op.create_index(op.f("ix_asked_times_company_id"), "asked_times", ["company_id"])
    op.create_index(op.f("ix_asked_times_offer_id"), "asked_times", ["offer_id"])
    op.create_index(op.f("ix_asked_times_booking_id"), "asked_times", ["booking_id"])


def downgrade() -> None:
    op.drop_table("asked_times")
    op.drop_table("queue_places")
    op.execute("update booking_moves set actor_kind = 'clock' where actor_kind = 'queue'")
    _movers((*MOVERS, "loader"))
    op.drop_column("bookings", "queued_at")
