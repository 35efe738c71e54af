"""Reading a problem in one's own words: pure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.search import (
    MOST_WORDS,
    RANKING,
    Candidate,
    Part,
    clauses,
    expand,
    for_candidates,
    fuse,
    grammar_of,
    language_of,
    normalise,
    passage,
    rarity,
    sentences,
    significant,
    term,
    terms_of,
    vocabulary,
    weigh,
)


@pytest.mark.parametrize(
    "one, other",
    [
        ("l’alerte", "l'alerte"),
        ("19\u202f%", "19 %"),
        ("œuvre", "oeuvre"),
        ("sous‑sol", "sous-sol"),
        ("e\u0301chec", "échec"),
        ("coop\u00aderative", "cooperative"),
    ],
)
def test_what_looks_alike_is_alike(one: str, other: str) -> None:
    assert normalise(one) == normalise(other)


def test_only_words_that_say_something_stay_once_and_bare() -> None:
    text = "Nous avons des alertes prédictives, mais les Alertes sont jetées : 71 % en 2024, à 7 h."
    assert significant(text) == ("alertes", "predictives", "jetees", "2024")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "comment est-ce que nous pouvons",
        "what should we do about this",
        "?! … 12 %",
        "le la les",
        "\u00a0",
    ],
)
def test_grammar_alone_says_nothing(text: str) -> None:
    assert significant(text) == ()


def test_endless_texts_are_bounded() -> None:
    assert len(significant(" ".join(f"mot{n}" for n in range(3000)))) == MOST_WORDS


def test_rarer_words_weigh_more_and_none_weighs_less_than_nothing() -> None:
    weights = [rarity(80, having) for having in range(1, 81)]
    assert weights == sorted(weights, reverse=True)
    assert min(weights) > 0
    assert [word.lexeme for word in weigh(80, [("common", 60), ("never", 0), ("rare", 1)])] == [
        "rare",
        "common",
    ]


def test_common_words_bring_in_no_candidates_of_their_own() -> None:
    words = weigh(1000, [("a", 3), ("b", 10), ("c", 900)])
    assert [word.lexeme for word in for_candidates(words, 200)] == ["a", "b"]
    assert [word.lexeme for word in for_candidates(words[2:], 200)] == ["c"]


def test_sentences_keep_their_quotes_and_figures() -> None:
    text = "Il a dit « non. » Puis 19 % ont suivi. By 6 a.m. they knew: “Enough.” It cost 6.5 euros! Fin…"
    assert sentences(text) == (
        "Il a dit « non. »",
        "Puis 19 % ont suivi.",
        "By 6 a.m. they knew: “Enough.”",
        "It cost 6.5 euros!",
        "Fin…",
    )
    assert " ".join(sentences(text)) == text
    assert sentences("  ") == ()


def test_a_passage_is_the_best_sentence_among_its_neighbours() -> None:
    cut = ("One.", "Two.", "Three.", "Four.")
    assert passage(cut, 1) == (Part("One.", False), Part("Two.", True), Part("Three.", False))
    assert passage(cut, 0) == (Part("One.", True), Part("Two.", False))
    assert passage(cut, 3) == (Part("Three.", False), Part("Four.", True))
    assert passage(cut, None) == (Part("One. Two.", False),)
    assert passage((), None) == ()


def test_the_language_of_a_text() -> None:
    assert language_of("Nous pensions avoir un problème de modèle.") == "fr"
    assert language_of("Honest and well prepared. The freeze rule is brilliant.") == "en"
    assert language_of("") == "fr"


def test_grammar_tells_the_language_where_there_is_some() -> None:
    assert grammar_of("nos alertes sont jetées par les techniciens") > 0
    assert grammar_of("our alerts are thrown away by the crews") < 0
    assert grammar_of("NIS2 OT SCADA") == 0


def one(key: str, language: str, text: float, meaning: float) -> Candidate[str]:
    return Candidate(key, language, text, meaning)


def test_chance_words_lift_no_offer_above_one_that_means_the_same() -> None:
    """What plain rank fusion got wrong: the reader's language wins by its words alone."""
    french = [one(f"fr{n}", "fr", 5.0 + n % 3, 0.10) for n in range(10)]
    english = [one("en", "en", 0.0, 0.45), *(one(f"en{n}", "en", 0.0, 0.05) for n in range(9))]
    assert fuse([*french, *english])[0].key == "en"


def test_a_rare_word_decides_between_equal_meanings() -> None:
    catalogue = [one(f"x{n}", "fr", 0.2, 0.2) for n in range(9)]
    assert fuse([*catalogue, one("said", "fr", 6.0, 0.2)])[0].key == "said"


def test_groups_ask_for_a_fit_and_for_a_lead() -> None:
    pack = [one(f"x{n}", "fr", 0.0, 0.1 - n / 1000) for n in range(20)]
    found = fuse([*pack, one("a", "fr", 0.0, 0.5), one("b", "fr", 0.0, 0.28)])
    assert [(f.key, f.group) for f in found[:3]] == [("a", "same"), ("b", "neighbour"), ("x0", "closest")]
    assert len(found) == RANKING.fewest
    # The same fits where everything fits alike: nothing leads.
    crowd = fuse([one(f"x{n}", "fr", 0.0, 0.5) for n in range(20)])
    assert {f.group for f in crowd} == {"closest"}


def test_nothing_gives_nothing() -> None:
    assert fuse([]) == []


@given(
    st.lists(
        st.tuples(st.sampled_from(["fr", "en"]), st.floats(0, 50), st.floats(-1, 1)), min_size=1, max_size=40
    )
)
def test_fusing_keeps_an_order_and_invents_nothing(rows: list[tuple[str, float, float]]) -> None:
    candidates = [one(str(n), *row) for n, row in enumerate(rows)]
    found = fuse(candidates)
    assert [f.fit for f in found] == sorted((f.fit for f in found), reverse=True)
    assert {f.key for f in found} <= {c.key for c in candidates}
    assert min(len(rows), RANKING.fewest) <= len(found) <= RANKING.most


def test_synonyms_bring_in_the_others_and_share_their_weight() -> None:
    groups = [["sso", "authentification unique", "single sign-on"]]
    found = expand("Notre SSO ne tient pas", groups)
    assert found == {
        "authentification": pytest.approx(0.4),
        "unique": pytest.approx(0.4),
        "single": pytest.approx(0.4),
        "sign-on": pytest.approx(0.4),
    }
    assert expand("authentification unique et SSO", [["sso", "authentification unique"]]) == {}


@pytest.mark.parametrize("written", ["Faux positifs", "FAUX-POSITIF", "faux  positif"])
def test_a_term_is_looked_up_however_it_is_written(written: str) -> None:
    assert term(written) in terms_of("trop de faux positifs au criblage")


def test_clauses_are_short_and_nothing_is_lost() -> None:
    text = (
        "Nous payons un service qui calcule l’arrivée des camions, et pourtant mes planificateurs appellent "
        "encore les chauffeurs un par un. Oui, vraiment. Que faire ?"
    )
    assert clauses(text, 9) == (
        "Nous payons un service qui calcule l’arrivée des camions",
        "et pourtant mes planificateurs appellent encore les chauffeurs un par un.",
        "Oui, vraiment.",
        "Que faire ?",
    )
    assert len(clauses(text, 2)) == 2


@given(st.text(max_size=300))
def test_any_text_is_read(text: str) -> None:
    assert all(clauses(text, 16))
    assert expand(text, [["a", "b"]]) is not None
    assert vocabulary([text]) is not None
    assert len(terms_of(text)) < 3000


def test_the_vocabulary_holds_words_worth_spelling_right() -> None:
    assert vocabulary(["Où sont les Écoutes d’eau de 2024 ?"]) == {"ecoutes": "écoutes"}
