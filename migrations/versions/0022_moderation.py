"""The operators’ cases, what people report, restrictions with their reasons, and what operators search by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022_moderation"
down_revision = "0021_offer_drafts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "cases",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), sa.Identity(always=True, start=1001), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("expert_id", sa.Uuid(), nullable=True),
        sa.Column("offer_id", sa.Uuid(), nullable=True),
        sa.Column("review_id", sa.Uuid(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("target_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("snoozed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("notes", postgresql.JSONB(), nullable=False),
        sa.Column("undo", postgresql.JSONB(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(state = 'decided') = (decision is not null)", name=op.f("ck_cases_decided")),
        sa.CheckConstraint(
            "decision in ('approve', 'changes', 'refuse', 'keep', 'hide')", name=op.f("ck_cases_decision")
        ),
        sa.CheckConstraint("kind in ('expert', 'profile', 'offer', 'report')", name=op.f("ck_cases_kind")),
        sa.CheckConstraint("state in ('open', 'decided', 'withdrawn')", name=op.f("ck_cases_state")),
        sa.CheckConstraint(
            "num_nonnulls(expert_id, offer_id, review_id) = 1", name=op.f("ck_cases_one_subject")
        ),
        sa.ForeignKeyConstraint(
            ["decided_by"], ["people.id"], name=op.f("fk_cases_decided_by_people"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["expert_id"], ["experts.id"], name=op.f("fk_cases_expert_id_experts"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["offer_id"], ["offers.id"], name=op.f("fk_cases_offer_id_offers"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["people.id"], name=op.f("fk_cases_owner_id_people"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_cases_person_id_people"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["review_id"], ["reviews.id"], name=op.f("fk_cases_review_id_reviews"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
        sa.UniqueConstraint("number", name=op.f("uq_cases_number")),
    )
    op.create_index(op.f("ix_cases_expert_id"), "cases", ["expert_id"], unique=False)
    op.create_index(op.f("ix_cases_offer_id"), "cases", ["offer_id"], unique=False)
    op.create_index(
        "ix_cases_open",
        "cases",
        ["target_at", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(op.f("ix_cases_owner_id"), "cases", ["owner_id"], unique=False)
    op.create_index(op.f("ix_cases_person_id"), "cases", ["person_id"], unique=False)
    op.create_index(op.f("ix_cases_review_id"), "cases", ["review_id"], unique=False)
    op.create_index(
        "ix_cases_untold",
        "cases",
        ["decided_at"],
        unique=False,
        postgresql_where=sa.text("state = 'decided' and told_at is null"),
    )
    op.create_index(
        "uq_cases_open_expert",
        "cases",
        ["kind", "expert_id"],
        unique=True,
        postgresql_where=sa.text("state = 'open' and expert_id is not null"),
    )
    op.create_index(
        "uq_cases_open_offer",
        "cases",
        ["kind", "offer_id"],
        unique=True,
        postgresql_where=sa.text("state = 'open' and offer_id is not null"),
    )
    op.create_index(
        "uq_cases_open_review",
        "cases",
        ["kind", "review_id"],
        unique=True,
        postgresql_where=sa.text("state = 'open' and review_id is not null"),
    )
    op.create_table(
        "notices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("good_faith", sa.Boolean(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("about in ('profile', 'offer', 'review')", name=op.f("ck_notices_about")),
        sa.CheckConstraint("good_faith", name=op.f("ck_notices_good_faith")),
        sa.ForeignKeyConstraint(
            ["case_id"], ["cases.id"], name=op.f("fk_notices_case_id_cases"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_notices_person_id_people"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
    )
    op.create_index(op.f("ix_notices_case_id"), "notices", ["case_id"], unique=False)
    op.create_index(op.f("ix_notices_person_id"), "notices", ["person_id"], unique=False)
    op.create_table(
        "restrictions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("offer_id", sa.Uuid(), nullable=True),
        sa.Column("review_id", sa.Uuid(), nullable=True),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("ground", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("automated", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lifted_by", sa.Uuid(), nullable=True),
        sa.Column("lifted_why", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "(kind = 'offer_hidden') = (offer_id is not null)", name=op.f("ck_restrictions_offer")
        ),
        sa.CheckConstraint(
            "(kind = 'review_hidden') = (review_id is not null)", name=op.f("ck_restrictions_review")
        ),
        sa.CheckConstraint(
            "ground in ('terms', 'reviews_policy', 'law')", name=op.f("ck_restrictions_ground")
        ),
        sa.CheckConstraint(
            "kind in ('offer_hidden', 'review_hidden', 'person_suspended')", name=op.f("ck_restrictions_kind")
        ),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_restrictions_reason")),
        sa.ForeignKeyConstraint(
            ["by"], ["people.id"], name=op.f("fk_restrictions_by_people"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["case_id"], ["cases.id"], name=op.f("fk_restrictions_case_id_cases"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["lifted_by"], ["people.id"], name=op.f("fk_restrictions_lifted_by_people"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["offer_id"], ["offers.id"], name=op.f("fk_restrictions_offer_id_offers"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_restrictions_person_id_people"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["review_id"], ["reviews.id"], name=op.f("fk_restrictions_review_id_reviews"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_restrictions")),
    )
    op.create_index(op.f("ix_restrictions_case_id"), "restrictions", ["case_id"], unique=False)
    op.create_index(op.f("ix_restrictions_person_id"), "restrictions", ["person_id"], unique=False)
    op.create_index(
        "uq_restrictions_offer",
        "restrictions",
        ["offer_id"],
        unique=True,
        postgresql_where=sa.text("lifted_at is null and kind = 'offer_hidden'"),
    )
    op.create_index(
        "uq_restrictions_person",
        "restrictions",
        ["person_id"],
        unique=True,
        postgresql_where=sa.text("lifted_at is null and kind = 'person_suspended'"),
    )
    op.create_index(
        "uq_restrictions_review",
        "restrictions",
        ["review_id"],
        unique=True,
        postgresql_where=sa.text("lifted_at is null and kind = 'review_hidden'"),
    )
    # Immutable, which unaccent alone is not said to be: its dictionary is named here.
    op.execute(
        "create function folded(text) returns text language sql immutable parallel safe strict as"
        " $$ select lower(public.unaccent('public.unaccent', $1)) $$"
    )
    op.create_index(
        "ix_people_name", "people", [sa.text("folded(name) gin_trgm_ops")], postgresql_using="gin"
    )
    op.create_index("ix_people_email", "people", [sa.text("email gin_trgm_ops")], postgresql_using="gin")
    op.create_index("ix_people_newest", "people", [sa.text("created_at desc"), "id"])
    op.create_index(
        "ix_offer_versions_title",
        "offer_versions",
        [sa.text("folded(title) gin_trgm_ops")],
        postgresql_using="gin",
    )
    op.create_index("ix_offers_newest", "offers", [sa.text("created_at desc"), "id"])
    op.create_index("ix_audit_actor", "audit", ["actor_id", "at"])
    op.create_index("ix_audit_act", "audit", ["act", "at"])


def downgrade() -> None:
    op.drop_index("ix_audit_act", table_name="audit")
    op.drop_index("ix_audit_actor", table_name="audit")
    op.drop_index("ix_offers_newest", table_name="offers")
    op.drop_index("ix_offer_versions_title", table_name="offer_versions")
    op.drop_index("ix_people_newest", table_name="people")
    op.drop_index("ix_people_email", table_name="people")
    op.drop_index("ix_people_name", table_name="people")
    op.execute("drop function folded(text)")
    op.drop_index("uq_restrictions_review", table_name="restrictions")
    op.drop_index("uq_restrictions_person", table_name="restrictions")
    op.drop_index("uq_restrictions_offer", table_name="restrictions")
    op.drop_index(op.f("ix_restrictions_person_id"), table_name="restrictions")
    op.drop_index(op.f("ix_restrictions_case_id"), table_name="restrictions")
    op.drop_table("restrictions")
    op.drop_index(op.f("ix_notices_person_id"), table_name="notices")
    op.drop_index(op.f("ix_notices_case_id"), table_name="notices")
    op.drop_table("notices")
    op.drop_index("uq_cases_open_review", table_name="cases")
    op.drop_index("uq_cases_open_offer", table_name="cases")
    op.drop_index("uq_cases_open_expert", table_name="cases")
    op.drop_index("ix_cases_untold", table_name="cases")
    op.drop_index(op.f("ix_cases_review_id"), table_name="cases")
    op.drop_index(op.f("ix_cases_person_id"), table_name="cases")
    op.drop_index(op.f("ix_cases_owner_id"), table_name="cases")
    op.drop_index("ix_cases_open", table_name="cases")
    op.drop_index(op.f("ix_cases_offer_id"), table_name="cases")
    op.drop_index(op.f("ix_cases_expert_id"), table_name="cases")
    op.drop_table("cases")
