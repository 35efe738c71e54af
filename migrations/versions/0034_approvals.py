"""A company's rule on approvals, its approvers’ invitations, and what was asked of them."""

from __future__ import annotations

revision = "0034_approvals"
down_revision = "0033_disputes"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
