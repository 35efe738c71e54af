"""The provider's own books beside ours, object by object (payments.md, `ledger check`).

Its lines are read and kept; then both are compared where they stand side by side, in one statement.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from ...domain import postings
from ...gateways.payments import MovementSeen, Payments
from ...storage.db import Database
from ...storage.ledger import LedgerEntry, LedgerGroup, ProviderMovement
from ...storage.payments import ProviderCall
from ...storage.platform_payouts import PlatformPayout
from . import posting
from .checking import MOST, Finding
from .expected import EXPECTED, UNDER_WAY

# What is younger may not have been heard of yet, on either side.
GRACE = timedelta(minutes=15)
AT_ONCE = 1000
IN_FLIGHT = ("intended", "sent", "pending")
# What an intent in flight may have moved at the provider without our knowing the object yet.
_MOVES = {"capture": "charge", "refund": "refund", "transfer": "transfer", "reverse_transfer": "reversal"}


def read_movements(db: Database, gateway: Payments, *, since: datetime) -> int:
    """Keep the provider's lines since then, as they are now; how many. Raises what the gateway raises."""
    read, lines = 0, iter(gateway.movements(since=since))
    while several := list(islice(lines, AT_ONCE)):
        _keep(db, several)
        read += len(several)
    return read


def _keep(db: Database, several: Iterable[MovementSeen]) -> None:
    rows = insert(ProviderMovement).values([asdict(one) for one in several])
    with db.transaction() as tx:
        tx.session.execute(
            rows.on_conflict_do_update(
                index_elements=["id"],
                set_={
                    column.name: rows.excluded[column.name]
                    for column in sa.inspect(ProviderMovement).columns
                    if column.name != "id"
                },
            )
        )


def book_theirs(db: Database) -> int:
    """Post what the provider's books alone tell: our top-ups, and its fees for no payment; how many."""
    net = sa.func.sum(ProviderMovement.amount_minor - ProviderMovement.fee_minor)
    posted = sa.exists().where(
        LedgerGroup.source == ProviderMovement.source,
        LedgerGroup.kind.in_((posting.TOP_UP, posting.OWN_FEE)),
    )
    with db.transaction() as tx:
        rows = tx.session.execute(
            sa.select(ProviderMovement.kind, ProviderMovement.source, ProviderMovement.currency, net)
            .where(ProviderMovement.kind.in_(("top_up", "fee")), ~posted)
            .group_by(ProviderMovement.kind, ProviderMovement.source, ProviderMovement.currency)
            .order_by(ProviderMovement.source)
        ).all()
        for kind, source, currency, minor in rows:
            entries = postings.top_up(int(minor)) if kind == "top_up" else postings.provider_fee(-int(minor))
            posting.post(
                tx, source=source, kind=posting.TOP_UP if kind == "top_up" else posting.OWN_FEE, subject=None,
                at=tx.now, entries=entries, why=kind, currency=currency,
            )  # fmt: skip
        return len(rows)


def differences(session: Session, now: datetime) -> Iterator[Finding]:
    """Objects of which our provider_balance and the provider's books say different things.

    Left out: what moved less than 15 minutes ago, and what an intent in flight is about. At most `MOST`.
    """
    ours, theirs = _ours(), _theirs()
    us, them = sa.func.coalesce(ours.c.minor, 0), sa.func.coalesce(theirs.c.minor, 0)
    lately = sa.func.greatest(ours.c.latest, theirs.c.latest)
    under_way = sa.union_all(*UNDER_WAY).subquery("under_way")
    key = next(iter(under_way.c))
    object_id = sa.func.coalesce(ours.c.object, theirs.c.object)
    query = (
        sa.select(
            object_id,
            sa.func.coalesce(theirs.c.sort, ours.c.sort),
            us,
            them,
            ours.c.object.is_(None),
            theirs.c.object.is_(None),
        )
        .select_from(
            sa.join(
                ours,
                theirs,
                sa.and_(ours.c.object == theirs.c.object, ours.c.currency == theirs.c.currency),
                full=True,
            )
        )
        .where(us != them, lately <= now - GRACE, ~sa.exists().where(key == object_id))
        .order_by(object_id)
        .limit(MOST)
    )
    for kind, since in _unheard_of(session):
        query = query.where(
            sa.not_(sa.and_(ours.c.object.is_(None), theirs.c.sort == kind, theirs.c.first >= since))
        )
    for about, sort, minor, other, not_ours, not_theirs in session.execute(query):
        found = "here" if not_ours else "there" if not_theirs else "differs"
        yield Finding(found, about, sort, int(minor), int(other))


def began(session: Session, findings: Iterable[Finding]) -> datetime | None:
    """When the oldest object that our books have and the provider's say otherwise first moved in ours."""
    about = [one.about for one in findings if one.kind in ("there", "differs")]
    if not about:
        return None
    ours = _ours()
    first: datetime | None = session.scalar(
        sa.select(sa.func.min(ours.c.first)).where(ours.c.object.in_(about))
    )
    return first


def _ours() -> sa.Subquery:
    known: list[sa.Select[Any]] = []
    for one in EXPECTED:
        if one.objects is not None:
            source, object_id = one.objects.selected_columns
            known.append(
                one.objects.with_only_columns(
                    sa.literal(one.kind, literal_execute=True).label("kind"),
                    source.label("source"),
                    object_id.label("object"),
                )
            )
    names = sa.union_all(*known).subquery("names")
    object_id = sa.func.coalesce(names.c.object, LedgerGroup.source)
    return (
        sa.select(
            object_id.label("object"),
            LedgerEntry.currency.label("currency"),
            sa.func.sum(LedgerEntry.amount_minor).label("minor"),
            sa.func.max(LedgerGroup.at).label("latest"),
            sa.func.min(LedgerGroup.at).label("first"),
            sa.func.min(LedgerGroup.kind).label("sort"),
        )
        .join(LedgerEntry, LedgerEntry.group_id == LedgerGroup.id)
        .outerjoin(names, sa.and_(names.c.kind == LedgerGroup.kind, names.c.source == LedgerGroup.source))
        .where(LedgerEntry.account == "provider_balance")
        .group_by(object_id, LedgerEntry.currency)
        .subquery("ours")
    )


def _theirs() -> sa.Subquery:
    return (
        sa.select(
            ProviderMovement.source.label("object"),
            ProviderMovement.currency.label("currency"),
            sa.func.sum(ProviderMovement.amount_minor - ProviderMovement.fee_minor).label("minor"),
            sa.func.max(ProviderMovement.created).label("latest"),
            sa.func.min(ProviderMovement.created).label("first"),
            sa.func.min(ProviderMovement.kind).label("sort"),
        )
        .group_by(ProviderMovement.source, ProviderMovement.currency)
        .subquery("theirs")
    )


def _unheard_of(session: Session) -> list[tuple[str, datetime]]:
    """(sort of movement, since when) that an intent in flight may have made."""
    calls = session.execute(
        sa.select(ProviderCall.kind, sa.func.min(ProviderCall.made_at))
        .where(ProviderCall.state.in_(IN_FLIGHT), ProviderCall.kind.in_(_MOVES))
        .group_by(ProviderCall.kind)
    )
    found = [(_MOVES[kind], since) for kind, since in calls]
    payout = session.scalar(
        sa.select(sa.func.min(PlatformPayout.made_at)).where(PlatformPayout.state.in_(IN_FLIGHT))
    )
    return [*found, ("payout", payout)] if payout else found
