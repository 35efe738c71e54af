"""The table of synonyms, kept by operators: each change with its reason in the journal, and at once in the search."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain.errors import NotFound, ReasonMissing
from ...domain.policy import Actor
from ...domain.search import term
from ...domain.synonyms import read_terms
from ...domain.words import clean_text
from ...storage.db import Database, Tx
from ...storage.vocabulary import Synonyms
from ..people import write_audit

A_PAGE = 50
LONGEST_REASON = 500
_FIRST = sa.func.lower(Synonyms.terms[1])


@dataclass(frozen=True)
class Listed:
    """A page of groups; `after` leads to the next one."""

    groups: Sequence[Synonyms]
    total: int
    after: uuid.UUID | None


def list_groups(session: Session, text: str = "", after: uuid.UUID | None = None) -> Listed:
    """By their first term; those with a term that holds `text`. Two statements.

    `after` is a group of an earlier page; one removed since leads to the first page.
    """
    key = term(text)
    query = sa.select(Synonyms)
    if key:
        query = query.where(sa.func.array_to_string(Synonyms.keys, "\n").contains(key, autoescape=True))
    total = session.scalar(sa.select(sa.func.count()).select_from(query.subquery())) or 0
    if after is not None and (edge := session.get(Synonyms, after)) is not None:
        query = query.where(
            sa.tuple_(_FIRST, Synonyms.id) > sa.tuple_(sa.func.lower(edge.terms[0]), sa.literal(edge.id))
        )
    groups = session.scalars(query.order_by(_FIRST, Synonyms.id).limit(A_PAGE + 1)).all()
    more = len(groups) > A_PAGE
    return Listed(groups[:A_PAGE], total, groups[A_PAGE - 1].id if more else None)


def group_of(session: Session, group_id: uuid.UUID) -> Synonyms:
    """One group. NotFound."""
    group = session.get(Synonyms, group_id)
    if group is None:
        raise NotFound
    return group


def add_group(db: Database, actor: Actor, *, terms: str, reason: str) -> uuid.UUID:
    """A new group, of terms one a line or between commas. SynonymsWrong, ReasonMissing, TextRefused."""
    words, why = read_terms(terms), _said(reason)
    with db.transaction() as tx:
        group = Synonyms(terms=words, keys=_keys(words))
        tx.session.add(group)
        tx.session.flush()  # Its id comes with it.
        _note(tx, actor, "synonyms.added", words, f"{_line(words)} · {why}")
        return group.id


def change_group(db: Database, actor: Actor, *, group_id: uuid.UUID, terms: str, reason: str) -> None:
    """Other terms for a group; the journal keeps both. NotFound, SynonymsWrong, ReasonMissing, TextRefused."""
    words, why = read_terms(terms), _said(reason)
    with db.transaction() as tx:
        group = _locked(tx, group_id)
        before = _line(group.terms)
        group.terms, group.keys = words, _keys(words)
        _note(tx, actor, "synonyms.changed", words, f"{before} → {_line(words)} · {why}")


def remove_group(db: Database, actor: Actor, *, group_id: uuid.UUID, reason: str) -> None:
    """Take a group away; its terms stay in the journal. NotFound, ReasonMissing, TextRefused."""
    why = _said(reason)
    with db.transaction() as tx:
        group = _locked(tx, group_id)
        _note(tx, actor, "synonyms.removed", group.terms, f"{_line(group.terms)} · {why}")
        tx.session.delete(group)


def _locked(tx: Tx, group_id: uuid.UUID) -> Synonyms:
    group = tx.session.get(Synonyms, group_id, with_for_update=True)
    if group is None:
        raise NotFound
    return group


def _keys(words: Sequence[str]) -> list[str]:
    return sorted({term(one) for one in words})


def _line(words: Sequence[str]) -> str:
    return ", ".join(words)


def _said(reason: str) -> str:
    why = clean_text(reason, LONGEST_REASON)
    if not why:
        raise ReasonMissing
    return why


def _note(tx: Tx, actor: Actor, act: str, words: Sequence[str], reason: str) -> None:
    # Named by its first term: an id would tell nobody what was removed.
    write_audit(tx, actor_id=actor.person_id, act=act, subject=f"synonyms:{words[0]}", reason=reason)
