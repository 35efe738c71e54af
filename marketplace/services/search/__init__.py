"""Finding offers by a problem told in one's own words: by its words, by near spelling and by meaning.

The rows are made from events (docs/architecture.md: search "keeps its own rows from events"); vectors
follow in a job. How a result is ranked is said to readers on the page "How results are ranked": keep
the two the same.
"""

from __future__ import annotations

from .finding import EMPTY, Hit, Page, counts, find
from .indexing import (
    index_offer,
    offer_published,
    offer_taken_down,
    renew_rating,
    review_sent,
    reviews_taken_back,
)
from .making import Progress, catch_up, encode_offer, progress_of
from .meaning import Meant, meant_by
from .ordering import Position
from .sentences import Why, answer_in

__all__ = [
    "EMPTY",
    "Hit",
    "Meant",
    "Page",
    "Position",
    "Progress",
    "Why",
    "answer_in",
    "catch_up",
    "counts",
    "encode_offer",
    "find",
    "index_offer",
    "meant_by",
    "offer_published",
    "offer_taken_down",
    "progress_of",
    "renew_rating",
    "review_sent",
    "reviews_taken_back",
]
