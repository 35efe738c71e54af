"""The table of synonyms: changed by operators with a reason, at once in the search."""

from __future__ import annotations

import uuid

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.errors import NotFound, ReasonMissing, SynonymsWrong, TextRefused
from marketplace.domain.search import terms_of
from marketplace.domain.synonyms import LEAST, MOST, read_terms
from marketplace.services.search import find, index_offer, synonyms
from marketplace.storage.db import Database
from marketplace.storage.people import AuditRow
from marketplace.storage.vocabulary import Synonyms
from tests import factories as make


def test_terms_are_read_one_a_line_or_between_commas_each_once() -> None:
    assert read_terms("RGPD, gdpr;  rgpd\nprotection des données\n\n") == [
        "RGPD",
        "gdpr",
        "protection des données",
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "few"),
        ("capteur, Capteurs", "few"),
        (", ".join(f"mot{n}" for n in range(MOST + 1)), "many"),
        ("un, deux trois quatre cinq six", "empty"),
        ("capteur, sonde de mesure en cave humide", "long"),
        (f"capteur, {'x' * 61}", "long"),
        ("capteur, de la", "empty"),
    ],
)
def test_what_is_no_group_is_refused(text: str, why: str) -> None:
    with pytest.raises(SynonymsWrong) as refused:
        read_terms(text)
    assert refused.value.facts["why"] == why


@given(st.text(max_size=400))
def test_whatever_is_typed_is_a_group_or_refused(text: str) -> None:
    try:
        found = read_terms(text)
    except (SynonymsWrong, TextRefused):
        return
    assert LEAST <= len(found) <= MOST
    # The search finds every term of it again in a question that is this term.
    assert all(terms_of(one) for one in found)


def test_a_group_counts_at_once_and_its_whole_life_is_in_the_journal(db: Database) -> None:
    actor = make.operator(db)
    offer = make.offer(
        db, make.seller(db).expert, title="Une sondette en cave", problem="La sondette tombait."
    )
    with db.transaction() as tx:
        index_offer(tx, offer.id)

    def found() -> list[uuid.UUID]:
        with db.reading() as session:
            return [hit.offer_id for hit in find(session, "mon bidulomètre", now=db.clock()).hits]

    assert found() == []
    group = synonyms.add_group(db, actor, terms="bidulomètre\ntrucmuche", reason="Essai.")
    assert found() == []
    synonyms.change_group(db, actor, group_id=group, terms="bidulomètre, sondette", reason="Mieux.")
    assert found() == [offer.id]
    synonyms.remove_group(db, actor, group_id=group, reason="Fini.")
    assert found() == []
    with db.reading() as session:
        rows = session.execute(
            sa.select(AuditRow.act, AuditRow.subject, AuditRow.reason).order_by(AuditRow.id)
        ).all()
    assert [tuple(row) for row in rows] == [
        ("synonyms.added", "synonyms:bidulomètre", "bidulomètre, trucmuche · Essai."),
        ("synonyms.changed", "synonyms:bidulomètre", "bidulomètre, trucmuche → bidulomètre, sondette · Mieux."),
        ("synonyms.removed", "synonyms:bidulomètre", "bidulomètre, sondette · Fini."),
    ]  # fmt: skip


def test_no_change_without_a_reason_and_none_of_what_is_gone(db: Database) -> None:
    actor = make.operator(db)
    group = synonyms.add_group(db, actor, terms="bidule, trucmuche", reason="Essai.")
    for deed in (
        lambda: synonyms.add_group(db, actor, terms="a1, b1", reason=" "),
        lambda: synonyms.change_group(db, actor, group_id=group, terms="a1, b1", reason=""),
        lambda: synonyms.remove_group(db, actor, group_id=group, reason=""),
    ):
        with pytest.raises(ReasonMissing):
            deed()
    with pytest.raises(NotFound):
        synonyms.change_group(db, actor, group_id=uuid.uuid4(), terms="bidule, machin", reason="x")
    with pytest.raises(NotFound):
        synonyms.remove_group(db, actor, group_id=uuid.uuid4(), reason="x")


def test_the_list_goes_on_page_by_page_and_is_narrowed_by_a_term(db: Database) -> None:
    with db.reading() as session:
        every = set(session.scalars(sa.select(Synonyms.id)))
        seen: list[uuid.UUID] = []
        after = None
        while True:
            page = synonyms.list_groups(session, after=after)
            seen += [group.id for group in page.groups]
            after = page.after
            if after is None:
                break
        assert len(seen) == len(set(seen)) == len(every) == page.total
        narrowed = synonyms.list_groups(session, "RGPD")
        assert any("gdpr" in group.terms for group in narrowed.groups)
        assert narrowed.total < page.total
        assert synonyms.list_groups(session, "zzzz").groups == []
