"""Saved searches with what they found; and one daily mail a person, whatever it tells of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0029_saved_searches"
down_revision = "0028_enquiries"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "saved_searches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("filters", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("ordered_by", sa.Text(), nullable=False),
        sa.Column("frequency", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("looked_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_until", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "frequency in ('daily', 'weekly', 'off')", name=op.f("ck_saved_searches_frequency")
        ),
        sa.CheckConstraint(
            "ordered_by in ('fit', 'price', 'price_down', 'soonest', 'rating', 'newest')",
            name=op.f("ck_saved_searches_ordered_by"),
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_saved_searches_person_id_people"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_searches")),
    )
    op.create_index("ix_saved_searches_person", "saved_searches", ["person_id", "id"])
    op.create_index("ix_saved_searches_looked", "saved_searches", ["looked_until"])
    op.create_table(
        "saved_search_finds",
        sa.Column("search_id", sa.Uuid(), nullable=False),
        sa.Column("offer_id", sa.Uuid(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["search_id"],
            ["saved_searches.id"],
            name=op.f("fk_saved_search_finds_search_id_saved_searches"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["offer_id"],
            ["offers.id"],
            name=op.f("fk_saved_search_finds_offer_id_offers"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("search_id", "offer_id", name=op.f("pk_saved_search_finds")),
    )
    op.create_index(op.f("ix_saved_search_finds_offer_id"), "saved_search_finds", ["offer_id"])
    op.create_index(
        "ix_offer_versions_first", "offer_versions", ["published_at"], postgresql_where=sa.text("number = 1")
    )
    op.create_table(
        "daily_mails",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_daily_mails_person_id_people"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_daily_mails")),
        sa.UniqueConstraint("token", name=op.f("uq_daily_mails_token")),
    )
    # The addresses in mails already sent keep working.
    op.execute(
        "insert into daily_mails (person_id, token) select e.person_id, m.token"
        " from enquiry_mails as m join experts as e on e.id = m.expert_id"
    )
    op.drop_constraint(op.f("uq_enquiry_mails_token"), "enquiry_mails")
    op.drop_column("enquiry_mails", "token")


def downgrade() -> None:
    op.add_column("enquiry_mails", sa.Column("token", sa.Text(), nullable=True))
    op.execute(
        "update enquiry_mails as m set token = coalesce("
        "(select d.token from daily_mails as d join experts as e on e.person_id = d.person_id"
        " where e.id = m.expert_id), m.expert_id::text)"
    )
    op.alter_column("enquiry_mails", "token", nullable=False)
    op.create_unique_constraint(op.f("uq_enquiry_mails_token"), "enquiry_mails", ["token"])
    op.drop_table("daily_mails")
    op.drop_index("ix_offer_versions_first", table_name="offer_versions")
    op.drop_table("saved_search_finds")
    op.drop_table("saved_searches")
