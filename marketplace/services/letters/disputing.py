"""Letters about a reported problem: to both sides at each step, with the share and what it means."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...domain import deadlines
from ...domain.bookings import Move, State
from ...storage.bookings import Booking
from ..disputes.reading import DisputePage, dispute_page

if TYPE_CHECKING:
    from .moves import Post

OTHER = {"lead": "expert", "expert": "lead"}


def _page(post: Post) -> tuple[Booking, DisputePage] | None:
    booking = post.tx.session.get_one(Booking, post.facts.id)
    found = dispute_page(post.tx.session, booking)
    return (booking, found) if found is not None else None


def _to(post: Post, side: str, event: str, share: int | None, page: DisputePage, **more: Any) -> None:
    split = page.split(share) if share is not None else None
    me = post.facts.lead if side == "lead" else post.facts.expert
    write = post.to_lead if side == "lead" else post.to_expert
    write(
        event, share=share, back=split.back if split else 0, kept=split.expert if split else 0,
        dispute=post.stationery.links.dispute(post.facts.reference, me.language, side), **more,
    )  # fmt: skip


def _said(post: Post, page: DisputePage) -> int | None:
    """The share that was asked with this very move."""
    return next(
        (
            one.row.share
            for one in page.said
            if one.row.said_at == post.move.at and one.row.side == post.move.actor_kind
        ),
        None,
    )


def _reported(post: Post) -> None:
    found = _page(post)
    if found is None:
        return
    _booking, page = found
    for side in OTHER:
        _to(
            post, side, "dispute_reported", _said(post, page), page, own=post.move.actor_kind == side,
            until=page.between_until,
        )  # fmt: skip


def _answered(post: Post) -> None:
    found = _page(post)
    if found is not None and post.move.actor_kind in OTHER:
        _to(post, OTHER[post.move.actor_kind], "dispute_answered", _said(post, found[1]), found[1])


def _taken_back(post: Post) -> None:
    found = _page(post)
    if found is None:
        return
    booking, page = found
    until = booking.deadline if booking.state in (State.DELIVERED, State.CANCELLED) else None
    for side in OTHER:
        _to(post, side, "dispute_taken_back", None, page, until=until)


def _decided(post: Post) -> None:
    found = _page(post)
    if found is None or found[1].decided is None:
        return
    page, made = found[1], found[1].decided
    until = None if made.on_appeal else deadlines.appeal_until(post.move.at, appealed=False)
    for side, reason in (("lead", made.reason_lead), ("expert", made.reason_expert)):
        _to(post, side, "dispute_decided", made.share, page, reason=reason, until=until)


def _appealed(post: Post) -> None:
    found = _page(post)
    if found is None:
        return
    for side in OTHER:
        _to(post, side, "dispute_appealed", None, found[1], own=post.move.actor_kind == side)


def _settled(post: Post) -> None:
    found = _page(post)
    if found is None:
        return
    share = int((post.move.money or {}).get("share", 0))
    for side in OTHER:
        _to(post, side, "dispute_settled", share, found[1], amount=post.amount)


def _refunded(post: Post) -> None:
    borne_by = (post.move.money or {}).get("borne_by", "us")
    post.to_lead("refund_by_operators", amount=post.amount, borne_by=borne_by)
    post.to_expert("refund_by_operators", amount=post.amount, borne_by=borne_by)


WRITERS: dict[str, Callable[[Post], None]] = {
    Move.REPORT: _reported,
    Move.ANSWER: _answered,
    Move.WITHDRAW_REPORT: _taken_back,
    Move.DECIDE: _decided,
    Move.APPEAL: _appealed,
    Move.AGREE: _settled,
    Move.BOTH_ACCEPT: _settled,
    Move.FIVE_DAYS_PASS: _settled,
    Move.DAY_80: _settled,
    Move.REFUND: _refunded,
}
