"""Letters about another time for a made booking, or a second session: proposed, agreed, refused, withdrawn, run out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from ...domain.bookings import Move
from ...storage.bookings import Proposal
from .desk import put_about

if TYPE_CHECKING:
    from .moves import Post

OTHER = {"lead": "expert", "expert": "lead"}


def _about(post: Post) -> Proposal | None:
    """The proposal that was made, or ended, at the move's own instant."""
    return post.tx.session.scalar(
        sa.select(Proposal)
        .where(
            Proposal.booking_id == post.facts.id,
            sa.or_(Proposal.made_at == post.move.at, Proposal.ended_at == post.move.at),
        )
        .order_by(Proposal.made_at.desc(), Proposal.id)
        .limit(1)
    )


def _proposed(post: Post) -> None:
    """The other side hears of it, in the proposed time; answered meanwhile, nobody needs to."""
    proposal = _about(post)
    if proposal is None or proposal.state != "open":
        return
    facts = replace(post.facts, starts=proposal.starts_at, ends=proposal.ends_at)
    put_about(
        post.tx, post.stationery, facts, OTHER[proposal.by], "reschedule_proposed", subject=str(post.move.id),
        second=proposal.kind == "second_session", words=proposal.words, until=proposal.until, by=proposal.by,
        old=(proposal.from_starts_at, proposal.from_ends_at),
    )  # fmt: skip


def _agreed(post: Post) -> None:
    """Both hear of the new time, each with their calendar file."""
    proposal = _about(post)
    if proposal is None:
        return
    told: dict[str, Any] = {
        "second": proposal.kind == "second_session", "old": (proposal.from_starts_at, proposal.from_ends_at),
    }  # fmt: skip
    post.to_lead("rescheduled_lead", by=proposal.by, free_until=post.facts.free_until, **told)
    post.to_expert("rescheduled_expert", by=proposal.by, **told)


def _not_agreed(post: Post) -> None:
    """Refused: who asked hears it. Withdrawn: who was asked. Run out: both. The time agreed stands."""
    proposal = _about(post)
    if proposal is None:
        return
    how = proposal.state
    sides = {"refused": (proposal.by,), "withdrawn": (OTHER[proposal.by],), "over": ("lead", "expert")}
    second = proposal.kind == "second_session"
    # The letter names the time that stands; a second session that comes to nothing leaves none.
    facts = replace(post.facts, starts=proposal.starts_at, ends=proposal.ends_at) if second else post.facts
    for side in sides.get(how, ()):
        put_about(
            post.tx, post.stationery, facts, side, f"reschedule_{how}", subject=str(post.move.id), second=second,
            mine=proposal.by == side, proposed=(proposal.starts_at, proposal.ends_at),
        )  # fmt: skip


_STEPS: dict[str, Callable[[Post], None]] = {
    "proposed": _proposed, "refused": _not_agreed, "withdrawn": _not_agreed, "over": _not_agreed,
}  # fmt: skip
WRITERS: dict[str, Callable[[Post], None]] = {
    Move.RESCHEDULE: _agreed,
    Move.SECOND_SESSION: _agreed,
    **{
        f"{kind}_{step}": write for kind in ("reschedule", "second_session") for step, write in _STEPS.items()
    },
}
