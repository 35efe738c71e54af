"""One sentence for each refusal, in the reader's language: what is the matter, and what one can do.

A house test proves that none is missing. A sentence is plain text; templates escape it.
"""

from __future__ import annotations

from ...domain.errors import Refusal
from . import approving, asking, books, disputing, general, offering, queueing

SENTENCES = {
    **general.SENTENCES,
    **offering.SENTENCES,
    **asking.SENTENCES,
    **approving.SENTENCES,
    **disputing.SENTENCES,
    **queueing.SENTENCES,
    **books.SENTENCES,
}
STATUSES = {
    **general.STATUSES,
    **offering.STATUSES,
    **asking.STATUSES,
    **approving.STATUSES,
    **disputing.STATUSES,
    **queueing.STATUSES,
    **books.STATUSES,
}


def sentence(refusal: Refusal) -> str:
    """What to tell the guest. Unknown kinds raise: the house test keeps the table whole."""
    return str(SENTENCES[type(refusal)](refusal.facts))


def status(refusal: Refusal) -> int:
    """404 for what is not there (or not for you), 409 where things stand otherwise, 429, 503, else 422."""
    return STATUSES.get(type(refusal), 422)
