"""Months closed, what the checks found, the provider's own books beside ours; more law kept by the ledger."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0043_ledger_closings"
down_revision = "0042_refused_events"
branch_labels = None
depends_on = None

ID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
ACCOUNTS = (
    "account ~ '^(provider_balance|platform_bank|service_fee|vat:service_fee|commission|vat:commission"
    "|provider_fees|in_dispute|dispute_losses|goodwill|write_offs"
    f"|held:{ID}|expert:{ID}:(payable|receivable)|buyer:{ID}:(receivable|owed))$'"
)

# One group, one currency, and it adds up to zero.
BALANCES = """
    create or replace function ledger_group_balances() returns trigger language plpgsql as $$
    declare found_off record;
    begin
        select sum(amount_minor) as total, count(distinct currency) as currencies, min(currency) as currency
            into found_off from ledger_entries where group_id = new.group_id;
        if found_off.currencies > 1 then
            raise exception 'ledger group % mixes currencies', new.group_id using errcode = 'check_violation';
        end if;
        if found_off.total <> 0 then
            raise exception 'ledger group % is off by % %', new.group_id, found_off.total, found_off.currency
                using errcode = 'check_violation';
        end if;
        return null;
    end $$
"""
BALANCES_BEFORE = """
    create or replace function ledger_group_balances() returns trigger language plpgsql as $$
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
# What is on somebody's account says what it is about; what is held is held for that.
SUBJECT = """
    create function ledger_entry_subject() returns trigger language plpgsql as $$
    declare about uuid;
    begin
        if new.account like 'held:%' or new.account like 'expert:%' or new.account like 'buyer:%' then
            select subject into about from ledger_groups where id = new.group_id;
            if about is null then
                raise exception 'an entry on % is about nothing', new.account using errcode = 'check_violation';
            end if;
            if new.account like 'held:%' and new.account <> 'held:' || about then
                raise exception 'an entry about % is on %', about, new.account using errcode = 'check_violation';
            end if;
        end if;
        return new;
    end $$
"""
OPEN_MONTH = """
    create function ledger_month_open() returns trigger language plpgsql as $$
    begin
        if exists (select from ledger_months where ends_at > new.at) then
            raise exception 'the month of % is closed', new.at using errcode = 'check_violation';
        end if;
        return new;
    end $$
"""
APPEND_ONLY = ("ledger_months", "ledger_closings")


def upgrade() -> None:
    op.create_table(
        "ledger_checks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_checks")),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("took_ms", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("unasked", sa.Text(), nullable=True),
        sa.Column("schedule", sa.Text(), nullable=True),
        sa.Column("defects", sa.Integer(), nullable=False),
        sa.Column("shortfall_minor", sa.BigInteger(), nullable=False),
        sa.Column("findings", postgresql.JSONB(), nullable=False),
        sa.Column("stopped", sa.Boolean(), nullable=False),
        sa.CheckConstraint("defects >= 0 and shortfall_minor >= 0", name=op.f("ck_ledger_checks_amounts")),
    )
    op.create_index("ix_ledger_checks_at", "ledger_checks", ["at"])
    op.create_table(
        "provider_movements",
        sa.Column("id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_movements")),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("fee_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("available", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index(op.f("ix_provider_movements_source"), "provider_movements", ["source"])
    op.create_index(op.f("ix_provider_movements_created"), "provider_movements", ["created"])
    _months()
    op.create_index("ix_ledger_groups_at", "ledger_groups", ["at", "id"])
    op.drop_index("ix_ledger_entries_account", table_name="ledger_entries")
    op.create_index("ix_ledger_entries_account", "ledger_entries", ["account", "id"])
    op.create_index(
        "ix_ledger_entries_unpaid",
        "ledger_entries",
        ["group_id"],
        postgresql_where=sa.text("account like 'buyer:%:receivable'"),
    )
    op.create_check_constraint(op.f("ck_ledger_entries_account"), "ledger_entries", ACCOUNTS)
    for statement in (BALANCES, SUBJECT, OPEN_MONTH):
        op.execute(statement)
    op.execute(
        "create trigger ledger_entries_subject before insert on ledger_entries"
        " for each row execute function ledger_entry_subject()"
    )
    op.execute(
        "create trigger ledger_groups_open_month before insert on ledger_groups"
        " for each row execute function ledger_month_open()"
    )


def _months() -> None:
    op.create_table(
        "ledger_months",
        sa.Column("month", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("month", name=op.f("pk_ledger_months")),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_by", sa.Uuid(), _key("ledger_months", "closed_by", "people.id"), nullable=True),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_ledger_months_lasts")),
    )
    op.create_table(
        "ledger_closings",
        sa.Column("month", sa.Date(), _key("ledger_closings", "month", "ledger_months.month")),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        *(
            sa.Column(f"{name}_minor", sa.BigInteger(), nullable=False)
            for name in ("opening", "debit", "credit", "closing")
        ),
        sa.PrimaryKeyConstraint("month", "account", "currency", name=op.f("pk_ledger_closings")),
        sa.CheckConstraint(
            "closing_minor = opening_minor + debit_minor - credit_minor",
            name=op.f("ck_ledger_closings_adds_up"),
        ),
        sa.CheckConstraint("debit_minor >= 0 and credit_minor >= 0", name=op.f("ck_ledger_closings_sides")),
    )
    for table in APPEND_ONLY:
        op.execute(
            f"create trigger {table}_append_only before update or delete on {table}"
            " for each row execute function refuse_change()"
        )


def _key(table: str, name: str, to: str) -> sa.ForeignKey:
    named = op.f(f"fk_{table}_{name}_{to.partition('.')[0]}")
    return sa.ForeignKey(to, name=named, ondelete="RESTRICT")


def downgrade() -> None:
    op.execute("drop trigger ledger_groups_open_month on ledger_groups")
    op.execute("drop trigger ledger_entries_subject on ledger_entries")
    op.execute("drop function ledger_month_open()")
    op.execute("drop function ledger_entry_subject()")
    op.execute(BALANCES_BEFORE)
    op.drop_constraint(op.f("ck_ledger_entries_account"), "ledger_entries", type_="check")
    op.drop_index("ix_ledger_entries_unpaid", table_name="ledger_entries")
    op.drop_index("ix_ledger_entries_account", table_name="ledger_entries")
    op.create_index("ix_ledger_entries_account", "ledger_entries", ["account"])
    op.drop_index("ix_ledger_groups_at", table_name="ledger_groups")
    for table in (*reversed(APPEND_ONLY), "provider_movements", "ledger_checks"):
        op.drop_table(table)
