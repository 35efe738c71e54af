"""What is searched: one row a live offer, made from its version by the indexing part."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import Index
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from .types import Base, refers


class SearchRow(Base):
    """Both configurations side by side: the offer's words by French rules and by English ones."""

    __tablename__ = "search_rows"
    __table_args__ = (
        Index("ix_search_rows_fr", "fr", postgresql_using="gin"),
        Index("ix_search_rows_en", "en", postgresql_using="gin"),
    )
    offer_id: Mapped[uuid.UUID] = refers("offers.id", primary_key=True, index=False)
    version_id: Mapped[uuid.UUID] = refers("offer_versions.id")
    language: Mapped[str]
    fr: Mapped[Any] = mapped_column(TSVECTOR)
    en: Mapped[Any] = mapped_column(TSVECTOR)
    # A Bayesian mean of usefulness × 1000; the tie-break of equal fit.
    rating_score: Mapped[int] = mapped_column(default=0)
