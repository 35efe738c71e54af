"""Questions asked before booking, and how many an expert takes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0027_questions"
down_revision = "0026_free_days"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "questions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("asker_id", sa.Uuid(), nullable=False),
        sa.Column("company_id", sa.Uuid(), nullable=False),
        sa.Column("expert_id", sa.Uuid(), nullable=False),
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("asked", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("named_id", sa.Uuid(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deadline", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state in ('open', 'answered', 'passed_on', 'unanswered')", name=op.f("ck_questions_state")
        ),
        sa.CheckConstraint("(state = 'open') = (deadline is not null)", name=op.f("ck_questions_deadline")),
        sa.CheckConstraint("(state = 'open') = (closed_at is null)", name=op.f("ck_questions_closed")),
        sa.CheckConstraint("(state = 'passed_on') = (named_id is not null)", name=op.f("ck_questions_named")),
        sa.CheckConstraint("named_id <> offer_id", name=op.f("ck_questions_named_other")),
        sa.CheckConstraint("jsonb_array_length(asked) between 1 and 3", name=op.f("ck_questions_asked")),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{table}.id"], name=op.f(f"fk_questions_{column}_{table}"), ondelete="RESTRICT"
            )
            for column, table in (
                ("asker_id", "people"),
                ("company_id", "companies"),
                ("expert_id", "experts"),
                ("offer_id", "offers"),
                ("version_id", "offer_versions"),
                ("named_id", "offers"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_questions")),
        sa.UniqueConstraint("token", name=op.f("uq_questions_token")),
    )
    op.create_index(
        "ix_questions_due", "questions", ["deadline"], postgresql_where=sa.text("deadline is not null")
    )
    op.create_index("ix_questions_asker", "questions", ["asker_id", sa.text("asked_at desc")])
    op.create_index("ix_questions_expert", "questions", ["expert_id", sa.text("asked_at desc")])
    op.create_index(op.f("ix_questions_company_id"), "questions", ["company_id"])
    op.create_index(op.f("ix_questions_offer_id"), "questions", ["offer_id"])
    op.create_table(
        "question_limits",
        sa.Column("expert_id", sa.Uuid(), nullable=False),
        sa.Column("per_week", sa.Integer(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("per_week between 1 and 50", name=op.f("ck_question_limits_per_week")),
        sa.ForeignKeyConstraint(
            ["expert_id"], ["experts.id"], name=op.f("fk_question_limits_expert_id_experts"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("expert_id", name=op.f("pk_question_limits")),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_table("question_limits")
    op.drop_table("questions")
