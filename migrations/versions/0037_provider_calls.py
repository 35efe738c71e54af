"""Bank transfers are opened and evidence is sent by calls like the others."""

from __future__ import annotations

from alembic import op

revision = "0037_provider_calls"
down_revision = "0036_feeds"
branch_labels = None
depends_on = None

BEFORE = "'open_checkout', 'close_checkout', 'capture', 'release', 'refund', 'transfer', 'reverse_transfer'"


def upgrade() -> None:
    _kinds(f"{BEFORE}, 'open_bank_transfer', 'submit_evidence'")


def downgrade() -> None:
    _kinds(BEFORE)


def _kinds(kinds: str) -> None:
    name = op.f("ck_provider_calls_kind")
    op.drop_constraint(name, "provider_calls", type_="check")
    op.create_check_constraint(name, "provider_calls", f"kind in ({kinds})")
