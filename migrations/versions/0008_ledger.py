"""The ledger: balanced, append-only."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008_ledger"
down_revision = "0007_availability"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "ledger_groups",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_groups")),
        sa.UniqueConstraint("source", "kind", name=op.f("uq_ledger_groups_source_kind")),
    )
    op.create_index(op.f("ix_ledger_groups_subject"), "ledger_groups", ["subject"], unique=False)
    op.create_table(
        "ledger_entries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.CheckConstraint("amount_minor <> 0", name=op.f("ck_ledger_entries_not_zero")),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["ledger_groups.id"],
            name=op.f("fk_ledger_entries_group_id_ledger_groups"),
            ondelete="RESTRICT",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_entries")),
    )
    op.create_index("ix_ledger_entries_account", "ledger_entries", ["account"], unique=False)
    op.create_index(op.f("ix_ledger_entries_group_id"), "ledger_entries", ["group_id"], unique=False)
    op.execute(
        """
        create function ledger_group_balances() returns trigger language plpgsql as $$
        declare off record;
        begin
            select currency, sum(amount_minor) as total into off from ledger_entries
                where group_id = new.group_id group by currency having sum(amount_minor) <> 0 limit 1;
            if found then
                raise exception 'ledger group % is off by % %', new.group_id, off.total, off.currency
                    using errcode = 'check_violation';
            end if;
            return null;
        end $$
        """
    )
    op.execute(
        """
        create constraint trigger ledger_entries_balance after insert on ledger_entries
        deferrable initially deferred for each row execute function ledger_group_balances()
        """
    )
    op.execute(
        "create trigger ledger_groups_append_only before update or delete on ledger_groups"
        " for each row execute function refuse_change()"
    )
    op.execute(
        "create trigger ledger_entries_append_only before update or delete on ledger_entries"
        " for each row execute function refuse_change()"
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_ledger_entries_group_id"), table_name="ledger_entries")
    op.drop_index("ix_ledger_entries_account", table_name="ledger_entries")
    op.drop_table("ledger_entries")
    op.drop_index(op.f("ix_ledger_groups_subject"), table_name="ledger_groups")
    op.drop_table("ledger_groups")
    op.execute("drop function ledger_group_balances() cascade")
