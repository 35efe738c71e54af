"""In which order offers stand, and pages of them by keyset: what comes, goes or moves meanwhile is neither
skipped nor repeated.

An order is a whole number that grows down the list, equal ones newest first. A list by fit has no such
number that lasts: fits are relative, and shift together. Its positions carry what was shown.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...storage.experts import Expert
from ...storage.narrowing import everything, next_day
from ...storage.offers import Offer, OfferVersion
from ...storage.search import SearchRow

# Beyond so many offers a total is said as "at least".
COUNTED = 1_000
# Stands behind every start there can be, in seconds since 1970.
NEVER = 2**40
# So much of an offer's id tells it from the few hundred others that one question finds.
_SHORT = 0xFF_FFFF_FFFF


@dataclass(frozen=True)
class Position:
    """A place in a list of one order: the key and offer that stand there.

    `at`: the instant (seconds since 1970) by which free starts were told, the same for all pages of a
    list. `seen`: in a list by fit, what the pages before it showed, or what stands before it.
    """

    order: str
    key: int
    offer_id: uuid.UUID
    at: int = 0
    seen: tuple[int, ...] = ()


@dataclass(frozen=True)
class Cut:
    """A page's offers, and where the pages beside it go on."""

    offers: tuple[uuid.UUID, ...] = ()
    following: Position | None = None
    preceding: Position | None = None


def short(offer_id: uuid.UUID) -> int:
    """What a position remembers an offer by."""
    return offer_id.int & _SHORT


def cut_by_fit(
    ranked: Sequence[uuid.UUID], after: Position | None, before: Position | None, limit: int
) -> Cut:
    """A page of a list by fit: the best that were not shown yet, or the last ones of those that were."""
    edge = before or after
    seen = set(edge.seen) if edge else set()
    shown = [offer for offer in ranked if short(offer) in seen]
    rest = [offer for offer in ranked if short(offer) not in seen]
    page = shown[-limit:] if before else rest[:limit]
    if not page:
        return Cut()
    earlier = tuple(short(offer) for offer in (shown[:-limit] if before else shown))
    through = (*earlier, *(short(offer) for offer in page))
    more = bool(rest) if before else len(rest) > limit
    return Cut(
        tuple(page),
        Position("fit", 0, page[-1], seen=through) if more else None,
        Position("fit", 0, page[0], seen=earlier) if earlier else None,
    )


def keyed(session: Session, offers: Sequence[uuid.UUID], order: str, at: int) -> list[tuple[int, uuid.UUID]]:
    """These offers in an order that is not by fit, each with its key; one statement."""
    if not offers:
        return []
    wanted = everything().add_columns(_key(order).label("key")).where(Offer.id.in_(offers))
    found = session.execute(wanted, _bound(order, at))
    return sorted(((row.key, row.id) for row in found), key=lambda pair: (pair[0], -pair[1].int))


def cut_by_key(
    ordered: Sequence[tuple[int, uuid.UUID]],
    order: str,
    at: int,
    after: Position | None,
    before: Position | None,
    limit: int,
) -> Cut:
    """A page of a whole list in the order of its keys."""
    edge = before or after
    if edge is None:
        rest, earlier = list(ordered), []
    else:
        place = (edge.key, -edge.offer_id.int)
        earlier = [one for one in ordered if (one[0], -one[1].int) < place]
        rest = [one for one in ordered if (one[0], -one[1].int) > place]
    page = earlier[-limit:] if before else rest[:limit]
    more = len(earlier) > limit if before else len(rest) > limit
    return _page(page, order, at, more=more, back=before is not None, onward=edge is not None)


def browse(
    session: Session,
    narrowed: sa.Select[uuid.UUID],
    order: str,
    at: int,
    after: Position | None,
    before: Position | None,
    limit: int,
) -> tuple[Cut, int]:
    """A page of all offers that filters leave, and how many there are, exact up to COUNTED; two statements."""
    back, edge = before is not None, before or after
    total = session.scalar(sa.select(sa.func.count()).select_from(narrowed.limit(COUNTED).subquery())) or 0
    key = _key(order)
    wanted = narrowed.add_columns(key.label("key"))
    if edge is not None:
        # Newest first needs no key: ids are made in order of time.
        tied = Offer.id > edge.offer_id if back else Offer.id < edge.offer_id
        if order == "newest":
            wanted = wanted.where(tied)
        else:
            ahead = key < edge.key if back else key > edge.key
            wanted = wanted.where(sa.or_(ahead, sa.and_(key == edge.key, tied)))
    by: list[Any] = [] if order == "newest" else [key.desc() if back else key]
    wanted = wanted.order_by(*by, Offer.id if back else Offer.id.desc()).limit(limit + 1)
    found = [(row.key, row.id) for row in session.execute(wanted, _bound(order, at))]
    more, page = len(found) > limit, found[:limit]
    if back:
        page.reverse()
    return _page(page, order, at, more=more, back=back, onward=edge is not None), total


def instant_of(order: str, now: datetime, *edges: Position | None) -> int:
    """By which instant free starts are told: that of the list's first page."""
    return next((edge.at for edge in edges if edge and order == "soonest"), int(now.timestamp()))


def _page(
    page: Sequence[tuple[int, uuid.UUID]], order: str, at: int, *, more: bool, back: bool, onward: bool
) -> Cut:
    if not page:
        return Cut()
    at = at if order == "soonest" else 0
    first, last = (Position(order, key, offer, at) for key, offer in (page[0], page[-1]))
    return Cut(
        tuple(offer for _key, offer in page),
        last if back or more else None,
        first if (more if back else onward) else None,
    )


def _key(order: str) -> sa.SQLColumnExpression[int]:
    if order == "price":
        return OfferVersion.price_minor
    if order == "price_down":
        return -OfferVersion.price_minor
    if order == "rating":
        return -SearchRow.rating_score
    if order == "soonest":
        start = sa.func.extract("epoch", next_day())
        paid = sa.case((Expert.account_status == "active", start), else_=sa.null())
        return sa.func.coalesce(sa.cast(sa.func.floor(paid), sa.BigInteger), NEVER)
    return sa.literal(0)


def _bound(order: str, at: int) -> dict[str, Any]:
    return {"now": datetime.fromtimestamp(at).astimezone()} if order == "soonest" else {}
