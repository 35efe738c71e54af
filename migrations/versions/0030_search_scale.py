"""What filters ask of an offer in an index of its own: at 100 000 offers the texts need not be read.

Measured in benchmarks/README.md, as is why vectors have no approximate index.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030_search_scale"
down_revision = "0029_saved_searches"
branch_labels = None
depends_on = None

ASKED = ["topics", "industries", "languages", "format", "minutes", "price_minor", "notice_hours", "instant"]


def upgrade() -> None:
    op.create_index(
        "ix_offer_versions_narrowed", "offer_versions", ["offer_id"], postgresql_include=ASKED,
        postgresql_where=sa.text("live"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_offer_versions_narrowed", table_name="offer_versions")
