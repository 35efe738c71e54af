"""Meaning: vectors made by jobs, one search of words and meaning, why a result fits, encoders that change."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from marketplace.domain.events import OfferPublished, OfferTakenDown
from marketplace.services import search as searching
from marketplace.services.search import (
    Page,
    answer_in,
    catch_up,
    encode_offer,
    find,
    index_offer,
    meant_by,
    progress_of,
)
from marketplace.storage.db import Database
from marketplace.storage.offers import Offer, OfferVersion
from marketplace.storage.vectors import Encoding, OfferText, OfferVector
from tests import factories as make
from tests.encoder import Encoders, WordEncoder

ODD = [
    "", " ", "a", "🦆", "🦆" * 200, "x" * 20_000, "mot " * 5_000, "مرحبا بالعالم capteur", "\u202ecapteur", "cap\x07teur",
    "' OR 1=1; drop table offers --", "capteur & | ! <-> :* ( )", "%", "_", "\\", "capteur\\'", "[1,2,3]", "{}", "NaN",
]  # fmt: skip


@pytest.fixture
def encoders() -> Encoders:
    return Encoders(WordEncoder())


def offer(db: Database, encoders: Encoders, expert: Any, **more: Any) -> Offer:
    made = make.offer(db, expert, **more)
    with db.transaction() as tx:
        index_offer(tx, made.id)
    encode_offer(db, encoders, made.id)
    return made


@pytest.fixture
def catalogue(db: Database, encoders: Encoders) -> dict[str, Offer]:
    """Two problems in each language, and some that are about nothing here."""
    expert = make.seller(db).expert
    about = {
        "sensor": (
            "en",
            "Sensors in the basement run out of battery",
            "The sensor battery died in the basement.",
        ),
        "capteur": ("fr", "Des capteurs en cave", "La pile du capteur se vidait en cave. Autre chose ici."),
        "bail": ("fr", "Un bail refusé", "Le locataire refusait de signer le bail."),
        "quay": ("en", "Trucks wait at the quay", "Drivers waited for hours at the gate."),
    }
    made = {
        name: offer(db, encoders, expert, language=language, title=title, problem=problem, unlocked="Fin.")
        for name, (language, title, problem) in about.items()
    }
    for number in range(12):
        offer(db, encoders, expert, title=f"Récit numéro {number}", problem=f"Autre affaire {number}.")
    return made


def search(db: Database, encoders: Encoders, query: str, **more: Any) -> Page:
    meant = meant_by(db, encoders, query)
    with db.reading() as session:
        return find(session, query, meant=meant, now=db.clock(), **more)


def test_the_other_language_is_found(db: Database, encoders: Encoders, catalogue: dict[str, Offer]) -> None:
    page = search(db, encoders, "the battery of a sensor in a basement")
    assert {hit.offer_id for hit in page.hits[:2]} == {catalogue["sensor"].id, catalogue["capteur"].id}
    assert page.hits[0].group in ("same", "neighbour")
    assert page.near


def test_why_it_fits_is_the_same_on_both_pages(
    db: Database, encoders: Encoders, catalogue: dict[str, Offer]
) -> None:
    query = "La pile du capteur"
    page = search(db, encoders, query)
    (hit,) = [one for one in page.hits if one.offer_id == catalogue["capteur"].id]
    assert hit.why is not None
    assert hit.why.phrase == query
    assert [part.text for part in hit.snippet if part.marked] == ["La pile du capteur se vidait en cave."]
    meant = meant_by(db, encoders, query)
    assert meant
    with db.reading() as session:
        version = session.scalars(sa.select(OfferVersion).where(OfferVersion.offer_id == hit.offer_id)).one()
        again = answer_in(session, meant, hit.offer_id, version)
    assert again is not None
    assert (again.field, again.sentence) == ("problem", "La pile du capteur se vidait en cave.")


@pytest.mark.parametrize("query", ODD, ids=lambda q: repr(q[:20]))
def test_any_question_gets_a_page(
    db: Database, encoders: Encoders, catalogue: dict[str, Offer], query: str
) -> None:
    page = search(db, encoders, query)
    assert len(page.hits) <= 10
    with db.reading() as session:
        assert find(session, query, now=db.clock()) is not None


def test_words_serve_while_the_encoder_is_away(
    db: Database, encoders: Encoders, catalogue: dict[str, Offer]
) -> None:
    encoders.known[0].away = True
    assert meant_by(db, encoders, "capteurs en cave") is None
    page = search(db, encoders, "capteurs en cave")
    assert page.hits[0].offer_id == catalogue["capteur"].id
    assert page.near is None
    assert page.hits[0].group is None


def test_a_pass_that_finds_the_encoder_away_fails_nothing(db: Database, encoders: Encoders) -> None:
    made = make.offer(db, make.seller(db).expert)
    with db.transaction() as tx:
        index_offer(tx, made.id)
    encoders.known[0].away = True
    assert catch_up(db, encoders) == 0
    encoders.known[0].away = False
    assert catch_up(db, encoders) == 1


def test_another_dimension_rests_and_spoils_nothing(
    db: Database, encoders: Encoders, catalogue: dict[str, Offer]
) -> None:
    wrong = Encoders(WordEncoder(size=32))
    assert meant_by(db, wrong, "capteurs en cave") is None
    with db.transaction() as tx:
        version = tx.session.scalars(
            sa.select(OfferVersion).where(OfferVersion.offer_id == catalogue["bail"].id)
        ).one()
        tx.session.execute(sa.delete(OfferVector).where(OfferVector.offer_id == version.offer_id))
    with pytest.raises(Exception, match="wrong_dimension"):
        encode_offer(db, wrong, catalogue["bail"].id)
    with db.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Encoding)) == 1


def test_a_job_that_runs_twice_encodes_once(
    db: Database, encoders: Encoders, catalogue: dict[str, Offer]
) -> None:
    asked = len(encoders.known[0].asked)
    encode_offer(db, encoders, catalogue["bail"].id)
    assert catch_up(db, encoders) == 0
    assert len(encoders.known[0].asked) == asked


def test_only_the_offer_that_changed_is_encoded(
    db: Database, encoders: Encoders, catalogue: dict[str, Offer]
) -> None:
    with db.transaction() as tx:
        old = tx.session.scalars(
            sa.select(OfferVersion).where(OfferVersion.offer_id == catalogue["bail"].id)
        ).one()
        old.live = False
        tx.session.flush()
        kept = {name: getattr(old, name) for name in (
            "offer_id", "language", "problem", "unlocked", "takeaways", "for_whom", "topics", "industries", "minutes",
            "price_minor", "format", "languages", "notice_hours", "policy", "instant",
        )}  # fmt: skip
        tx.session.add(OfferVersion(number=2, live=True, title="Des vannes", published_at=tx.now, **kept))
        tx.announce(OfferPublished(catalogue["bail"].id))
    encoders.known[0].asked.clear()
    assert catch_up(db, encoders) == 1
    assert "Des vannes" in encoders.known[0].asked
    assert not any("capteur" in text for text in encoders.known[0].asked)
    assert catch_up(db, encoders) == 0


def test_what_is_taken_down_leaves_no_vector(
    db: Database, encoders: Encoders, catalogue: dict[str, Offer]
) -> None:
    gone = catalogue["bail"].id
    with db.transaction() as tx:
        tx.session.get_one(Offer, gone).status = "hidden"
        tx.announce(OfferTakenDown(gone))
        tx.announce(OfferTakenDown(gone))
    with db.reading() as session:
        for kind in (OfferVector, OfferText):
            held = sa.select(sa.func.count()).select_from(kind).where(kind.offer_id == gone)
            assert session.scalar(held) == 0
    encode_offer(db, encoders, gone)
    assert catch_up(db, encoders) == 0
    assert gone not in {hit.offer_id for hit in search(db, encoders, "locataire bail").hits}


def test_the_old_vectors_serve_until_the_new_ones_are_whole(
    db: Database, encoders: Encoders, catalogue: dict[str, Offer]
) -> None:
    old, new = encoders.known[0], WordEncoder("words/2", size=48)
    changed = Encoders(new, old)
    assert catch_up(db, changed, 5) == 5
    states = {one.name: (one.state, one.done, one.total) for one in progress_of(db)}
    assert states == {"words/1": ("serving", 16, 16), "words/2": ("building", 5, 16)}
    assert search(db, changed, "capteurs en cave").near
    assert "capteurs en cave" in old.asked
    while catch_up(db, changed, 5):
        pass
    assert [(one.name, one.state, one.done) for one in progress_of(db)] == [("words/2", "serving", 16)]
    assert search(db, changed, "capteurs en cave").hits[0].offer_id == catalogue["capteur"].id
    assert "capteurs en cave" in new.asked
    # Back again: the old ones stand, and nothing is encoded anew.
    old.asked.clear()
    assert catch_up(db, encoders) == 0
    assert [(one.name, one.state) for one in progress_of(db)] == [("words/1", "serving")]
    assert old.asked == []


def test_the_catalogue_s_own_means_take_over(db: Database, encoders: Encoders) -> None:
    expert = make.seller(db).expert
    for number in range(31):
        offer(db, encoders, expert, title=f"Récit {number}", problem=f"Le compteur numéro {number} fuit.")
    with db.reading() as session:
        means = session.execute(sa.text("select kind, count from search_means where language = 'fr'")).all()
        lengths = session.scalars(sa.select(OfferText.lengths).where(OfferText.field == "whole")).all()
    assert {row.kind for row in means} == {"whole", "stuck", "title", "for_whom", "sentence"}
    # Each has lost what they all share.
    assert all(length < 0.9 for (length,) in lengths)
    assert search(db, encoders, "compteur").hits


def test_a_misspelt_word_is_read_as_the_nearest_known(
    db: Database, encoders: Encoders, catalogue: dict[str, Offer]
) -> None:
    page = search(db, encoders, "captteurs en cave")
    assert page.instead == "capteurs en cave"
    with db.reading() as session:
        words_alone = find(session, "captteurs", now=db.clock())
    assert words_alone.hits[0].offer_id == catalogue["capteur"].id
    assert search(db, encoders, "capteurs en cave").instead is None


def test_a_few_words_stand_beside_the_sentence_that_holds_them_also_where_no_pair_is_near(
    db: Database, encoders: Encoders, catalogue: dict[str, Offer]
) -> None:
    with db.transaction() as tx:
        tx.session.execute(sa.delete(OfferText).where(OfferText.kind == "sentence"))
    hits = {hit.offer_id: hit for hit in search(db, encoders, "capteurs en cave").hits}
    why = hits[catalogue["capteur"].id].why
    assert why is not None
    assert (why.phrase, why.field) == ("capteurs en cave", "problem")
    assert why.sentence == "La pile du capteur se vidait en cave."
    # What holds none of the words has nothing to set beside them.
    assert all(hit.why is None for hit in hits.values() if not any(part.marked for part in hit.snippet))


def test_a_problem_told_at_length_is_not_corrected(
    db: Database, encoders: Encoders, catalogue: dict[str, Offer]
) -> None:
    told = (
        "Nous posons des captteurs dans la cave d’un immeuble parisien, la batterie tombe chaque hiver, le signal"
        " radio disparaît, notre client menace de rompre son contrat et nous cherchons quelqu’un."
    )
    assert search(db, encoders, told).instead is None


def test_synonyms_cross_languages_by_words_alone(
    db: Database, encoders: Encoders, catalogue: dict[str, Offer]
) -> None:
    with db.reading() as session:
        found = {hit.offer_id for hit in find(session, "sonde", now=db.clock()).hits}
    assert catalogue["sensor"].id in found
    assert catalogue["capteur"].id in found


def test_pages_go_on_though_an_offer_went(
    db: Database, encoders: Encoders, catalogue: dict[str, Offer]
) -> None:
    query = "affaire capteur pile"
    first = search(db, encoders, query, limit=2)
    second = search(db, encoders, query, limit=2, after=first.following)
    with db.transaction() as tx:
        tx.session.get_one(Offer, first.hits[0].offer_id).status = "closed"
        tx.announce(OfferTakenDown(first.hits[0].offer_id))
    again = search(db, encoders, query, limit=2, after=first.following)
    assert [hit.offer_id for hit in again.hits[:1]] == [hit.offer_id for hit in second.hits[:1]]
    back = search(db, encoders, query, limit=2, before=second.preceding)
    assert first.hits[1].offer_id in {hit.offer_id for hit in back.hits}


def test_more_offers_are_not_more_statements(db: Database, encoders: Encoders, count_queries: Any) -> None:
    expert = make.seller(db).expert
    numbers = []
    for _ in range(2):
        offer(db, encoders, expert, title="Compteurs d’eau", problem="Le compteur fuit.")
        with count_queries() as counted:
            search(db, encoders, "un compteur d’eau qui fuit")
        numbers.append(counted.number)
        for _more in range(12):
            offer(db, encoders, expert, title="Compteurs de gaz", problem="Le gaz fuit.")
    assert numbers[0] == numbers[1]
    assert numbers[0] <= 12


def test_the_room_s_face_is_whole() -> None:
    assert all(hasattr(searching, name) for name in searching.__all__)
