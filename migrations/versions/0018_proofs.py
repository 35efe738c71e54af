"""A second factor, and links that change an address."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018_proofs"
down_revision = "0017_search_words"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "second_factors",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("last_counter", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_second_factors_person_id_people"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_second_factors")),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_recovery_codes_person_id_people"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_codes")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_recovery_codes_code_hash")),
    )
    op.create_index(op.f("ix_recovery_codes_person_id"), "recovery_codes", ["person_id"], unique=False)
    op.add_column("log_ins", sa.Column("proved_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("log_ins", sa.Column("factor_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("mailed_links", sa.Column("carries", sa.Text(), nullable=True))
    op.create_index("ix_audit_subject", "audit", ["subject", "at"], unique=False)
    op.execute("update log_ins set proved_at = created_at")
    op.alter_column("log_ins", "proved_at", nullable=False)
    op.drop_constraint("ck_mailed_links_purpose", "mailed_links")
    op.create_check_constraint(
        op.f("ck_mailed_links_purpose"), "mailed_links", "purpose in ('verify', 'reset', 'change', 'keep')"
    )
    op.create_check_constraint(
        op.f("ck_mailed_links_carries"),
        "mailed_links",
        "(purpose in ('change', 'keep')) = (carries is not null)",
    )


def downgrade() -> None:
    op.drop_constraint("ck_mailed_links_carries", "mailed_links")
    op.drop_constraint("ck_mailed_links_purpose", "mailed_links")
    op.execute("delete from mailed_links where purpose in ('change', 'keep')")
    op.drop_index("ix_audit_subject", table_name="audit")
    op.drop_column("mailed_links", "carries")
    op.drop_column("log_ins", "factor_at")
    op.drop_column("log_ins", "proved_at")
    op.drop_index(op.f("ix_recovery_codes_person_id"), table_name="recovery_codes")
    op.drop_table("recovery_codes")
    op.drop_table("second_factors")
    op.create_check_constraint(
        op.f("ck_mailed_links_purpose"), "mailed_links", "purpose in ('verify', 'reset')"
    )
