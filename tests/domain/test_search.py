"""Reading a problem in one's own words: pure."""

from __future__ import annotations

import pytest

from marketplace.domain.search import (
    MOST_WORDS,
    Part,
    for_candidates,
    language_of,
    normalise,
    passage,
    rarity,
    sentences,
    significant,
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
