"""Reading a problem told in one's own words: which words say something, where sentences end.

"Normalise before anything" (docs of the search): apostrophes, spaces, hyphens. Stemming is the database's.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, pstdev
from typing import Generic, Literal, TypeVar, get_args

# The longest problem that is read; more is refused by name, never cut in silence.
MOST_CHARACTERS = 4_000
# A problem names its matter in far fewer; the rest would only make chance matches.
MOST_WORDS = 160

_SAME = str.maketrans(
    {
        "’": "'", "‘": "'", "ʼ": "'", "′": "'", "`": "'",
        "“": '"', "”": '"', "«": '"', "»": '"',
        "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2007": " ", "\u200b": None, "\u00ad": None,
        "‐": "-", "‑": "-", "‒": "-", "–": " ", "—": " ",
        "œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "ﬁ": "fi", "ﬂ": "fl",
    }
)  # fmt: skip
_WORD = re.compile(r"[^\W_]+(?:-[^\W_]+)*")
# A closing quote belongs to what it closes; a small letter after the full stop ("6 a.m. to") ends nothing.
_SENTENCE_END = re.compile(r"[.!?…]+(?:[\u00a0\u202f ]?[»”\"’'])*\s+(?=[\"'“‘«(\[]?\s*[A-ZÀ-ÖØ-Þ0-9])")

# Words of no weight, accents removed: grammar of both languages, and what everybody writes in a
# request for help ("besoin", "problem"). Not a list of topics: rare words weigh by rarity alone.
_FRENCH = frozenset(
    """
    a afin ai aie ainsi alors apres as au aucun aucune aujourd aupres aura aurait aussi autre autres aux avait
    avant avec avez avoir avons ayant beaucoup bien bon c ca car ce ceci cela celle celles celui cependant ces
    cet cette ceux chaque chez ci comme comment contre d dans de deja depuis derriere des deux devant devons
    devrait dit doit doivent donc dont du elle elles en encore ensuite entre environ es est et etaient etais
    etait etant ete etre eu eux fait faire faut fois font h hui il ils j jamais je jusqu jusque km l la laquelle
    le lequel les lesquels leur leurs lors lorsque lui m ma mais mal malgre me meme memes mes mieux moi moins
    mon n ne ni nos notre nous on ont or ou oui par parce parfois parmi pas pendant personne peu peut peuvent
    plus plusieurs plutot pour pourquoi pourtant pouvons presque puis qu quand quatre que quel quelle quelles
    quelqu quelque quelques quels qui quoi rien s sa sais sans sauf se sera serait ses seul seule seulement si
    sinon sois soit sommes son sont sous souvent sur t ta tant te tel telle tels tes toi ton toujours tous tout
    toute toutes tres trois trop tu un une unes va vais vers veut veux voici voila vont vos votre voudrais
    voudrions voulons vous vraiment vu y cherche cherchons besoin aide aider aimerais aimerions comprendre
    savoir probleme problemes question bonjour merci svp
    """.split()  # noqa: SIM905 - a list of words is read as words
)
_ENGLISH = frozenset(
    """
    a about above after again against ago all almost already also although always am an and any anybody anyone
    anything are aren around at away b be became because been before being below between both but by can
    cannot cant come could couldn did didn do does doesn doing don done down during each either else enough
    even ever every everybody everyone everything few first for from further get gets getting give given go
    goes going got had hadn has hasn have haven having he help her here hers herself hi him himself his how
    however i if in into is isn it its itself just keep keeps kept know last least less let like ll lot made
    make makes making many may me might more most much must my myself need needs never no nobody nor not
    nothing now of off often on once one only onto or other others our ours ourselves out over own per please
    put quite rather re really said same say says see seem seen several shall she should shouldn since so
    some somebody someone something sometimes somewhere still such take than thank thanks that the their
    theirs them themselves then there these they thing things this those though through till to together
    too toward try trying two under understand until up upon us use used using ve very want wants was wasn
    way we well went were weren what whatever when where whether which while who whoever whole whom whose
    why will with within without won would wouldn yes yet you your yours yourself hello problem problems
    """.split()  # noqa: SIM905 - a list of words is read as words
)
_NO_WEIGHT = _FRENCH | _ENGLISH


def normalise(text: str) -> str:
    """One form for what looks alike: apostrophes, spaces, hyphens, ligatures; NFC. Accents stay."""
    return unicodedata.normalize("NFC", text.translate(_SAME))


def bare(word: str) -> str:
    """A word in lower case without its accents, as the dictionaries see it."""
    apart = unicodedata.normalize("NFKD", word.casefold())
    return "".join(c for c in apart if not unicodedata.combining(c))


def significant(text: str) -> tuple[str, ...]:
    """The words of a text that say something, bare, each once, in order, at most MOST_WORDS.

    Grammar and small numbers are left out; a text of nothing else gives none, and so finds nothing.
    """
    kept: dict[str, None] = {}
    for match in _WORD.finditer(normalise(text)):
        word = bare(match.group())
        # "e-mail" stays whole for the dictionaries; "vingt-deux" of two weightless parts does not.
        if all(_weightless(part) for part in word.split("-")):
            continue
        kept[word] = None
        if len(kept) == MOST_WORDS:
            break
    return tuple(kept)


def language_of(text: str) -> str:
    """ "fr" or "en", by which language's grammar words stand in a text more often; French where neither does."""
    return "en" if grammar_of(text) < 0 else "fr"


def grammar_of(text: str) -> int:
    """How many more French grammar words than English ones a text holds; 0 where it does not tell."""
    words = [bare(match.group()) for match in _WORD.finditer(normalise(text))]
    french = sum(word in _FRENCH and word not in _ENGLISH for word in words)
    english = sum(word in _ENGLISH and word not in _FRENCH for word in words)
    return french - english


def _weightless(word: str) -> bool:
    return word in _NO_WEIGHT or len(word) < 2 or (word.isdecimal() and len(word) < 4)


def rarity(documents: int, having: int) -> float:
    """How much a word tells that `having` of `documents` hold: BM25's idf, never negative."""
    return math.log1p((documents - having + 0.5) / (having + 0.5))


@dataclass(frozen=True)
class Word:
    """A lexeme of the query by one language's rules, how many documents hold it, its weight."""

    lexeme: str
    having: int
    weight: float


def weigh(documents: int, found: Iterable[tuple[str, int]]) -> tuple[Word, ...]:
    """Weigh the query's lexemes, rarest first; those no document holds are left out."""
    words = [Word(lexeme, having, rarity(documents, having)) for lexeme, having in found if having]
    return tuple(sorted(words, key=lambda word: (word.having, word.lexeme)))


def for_candidates(words: Sequence[Word], most: int) -> tuple[Word, ...]:
    """The rarest words whose documents are together at most `most`; always at least the rarest.

    Common words cannot bring in documents, they only rank those that rarer ones brought: the
    work is bounded however large the catalogue and however long the query.
    """
    chosen: list[Word] = []
    total = 0
    for word in words:
        total += word.having
        if chosen and total > most:
            break
        chosen.append(word)
    return tuple(chosen)


def sentences(text: str) -> tuple[str, ...]:
    """A text cut into its sentences, nothing lost but the spaces between them."""
    found: list[str] = []
    start = 0
    for end in _SENTENCE_END.finditer(text):
        found.append(text[start : end.end()].strip())
        start = end.end()
    return tuple(part for part in (*found, text[start:].strip()) if part)


@dataclass(frozen=True)
class Part:
    """A stretch of a passage; marked where it answers the reader's words."""

    text: str
    marked: bool


def passage(cut: Sequence[str], best: int | None) -> tuple[Part, ...]:
    """The best sentence, marked, between the one before it and the one after; unmarked opening if none."""
    if not cut:
        return ()
    if best is None:
        return (Part(" ".join(cut[:2]), False),)
    parts: list[Part] = []
    if best > 0:
        parts.append(Part(cut[best - 1], False))
    parts.append(Part(cut[best], True))
    # A long answer needs nothing after it; a short one is read with what follows.
    if best + 1 < len(cut) and len(cut[best]) < 160:
        parts.append(Part(cut[best + 1], False))
    return tuple(parts)


# --- meaning and words together -----------------------------------------------------------------

# From so many telling words on a query is a problem told, not a few words typed.
TOLD = 13
# Of a word that stands for one of the reader's: another language's, or the nearest spelling.
SYNONYM_WEIGHT, SPELLING_WEIGHT = 0.8, 0.8
# The longest run of words that is looked up as one term.
LONGEST_TERM = 4

Key = TypeVar("Key", bound=Hashable)
Group = Literal["same", "neighbour", "partly", "closest"]
GROUPS: tuple[Group, ...] = get_args(Group)


@dataclass(frozen=True)
class Ranking:
    """How signals become one fit, and fits become groups; set by benchmarks/search_quality.py --tune.

    `text` is what a standard deviation of text fit is worth in cosines of meaning. A group asks for a fit of
    so much, and for so much of a lead over the pack behind the first five. A best below `nothing`: none fits.
    """

    text: float = 0.04
    same: tuple[float, float] = (0.30, 0.14)
    neighbour: tuple[float, float] = (0.26, 0.16)
    partly: tuple[float, float] = (0.20, 0.12)
    nothing: float = 0.187
    step: float = 0.01
    fewest: int = 5
    most: int = 30


RANKING = Ranking()


@dataclass(frozen=True)
class Candidate(Generic[Key]):
    """An offer that may answer: its language, its text fit (0 for none), its cosine of meaning."""

    key: Key
    language: str
    text: float
    meaning: float


@dataclass(frozen=True)
class Fitting(Generic[Key]):
    """A candidate with its fit, and how near that is to the question."""

    key: Key
    fit: float
    group: Group


def fuse(
    candidates: Sequence[Candidate[Key]],
    ranking: Ranking = RANKING,
    narrowed: Sequence[Candidate[Key]] | None = None,
) -> list[Fitting[Key]]:
    """Meaning and words as one fit, best first; what is only chance is left out.

    Text scores are standardised within each language: chance words in the reader's own language lift
    no offer above one in the other language that means the same. At least `fewest` are kept, said to
    be no more than the closest.

    `narrowed`: those that filters leave, found with the filters. Measured against all the candidates,
    they have the fit and group they have without filters. Where something is near, no closest one comes
    in for another; where nothing is, the closest of those left are told.
    """
    shape = _shape(candidates)
    fits = _fits(candidates, shape, ranking)
    pack = _pack([fit for fit, _one in fits])

    def told(some: Iterable[tuple[float, Candidate[Key]]]) -> list[Fitting[Key]]:
        return [Fitting(one.key, fit, _group(fit, fit - pack, ranking)) for fit, one in some]

    found = _worth_telling(told(fits[: ranking.most]), ranking)
    if narrowed is None:
        return found
    left = told(_fits(narrowed, shape, ranking)[: ranking.most])
    if not any(one.group != "closest" for one in found):
        return _worth_telling(left, ranking)
    known = {one.key for one in found}
    return [one for one in left if one.group != "closest" or one.key in known]


def _worth_telling(some: Sequence[Fitting[Key]], ranking: Ranking) -> list[Fitting[Key]]:
    return [one for place, one in enumerate(some) if place < ranking.fewest or one.group != "closest"]


def _fits(
    some: Sequence[Candidate[Key]], shape: Mapping[str, tuple[float, float]], ranking: Ranking
) -> list[tuple[float, Candidate[Key]]]:
    """The fit of each, best first; its text in standard deviations of its language's."""
    found = []
    for one in some:
        mean, deviation = shape.get(one.language, _NO_TEXTS)
        found.append((one.meaning + ranking.text * (one.text - mean) / deviation, one))
    return sorted(found, key=lambda pair: -pair[0])


# Where hardly any word fits, the little there is must not be blown up.
_LEAST_DEVIATION = 0.3
_NO_TEXTS = (0.0, _LEAST_DEVIATION)


def _shape(candidates: Sequence[Candidate[Key]]) -> dict[str, tuple[float, float]]:
    """The mean and standard deviation of text fit in each language."""
    by_language: dict[str, list[float]] = defaultdict(list)
    for one in candidates:
        by_language[one.language].append(one.text)
    return {
        language: (fmean(texts), pstdev(texts) + _LEAST_DEVIATION) for language, texts in by_language.items()
    }


def _pack(fits: Sequence[float]) -> float:
    """What those behind the first five have: a fit is told by its distance from them."""
    behind = fits[5:15]
    return fmean(behind) if behind else 0.0


def _group(fit: float, ahead: float, ranking: Ranking) -> Group:
    bounds = (ranking.same, ranking.neighbour, ranking.partly)
    for name, (least, lead) in zip(GROUPS, bounds, strict=False):
        if fit >= least and ahead >= lead:
            return name
    return "closest"


def terms_of(text: str) -> tuple[str, ...]:
    """All runs of up to LONGEST_TERM words of a text as one synonym table looks them up, bare and singular."""
    words = [_singular(bare(match.group())) for match in _TERM.finditer(normalise(text))][: 4 * MOST_WORDS]
    runs = {
        " ".join(words[start : start + size])
        for size in range(1, LONGEST_TERM + 1)
        for start in range(len(words) - size + 1)
    }
    return tuple(sorted(runs))


def term(text: str) -> str:
    """A term in the form `terms_of` gives."""
    return " ".join(_singular(bare(match.group())) for match in _TERM.finditer(normalise(text)))


def expand(text: str, groups: Iterable[Sequence[str]]) -> dict[str, float]:
    """Words that stand for the reader's by a group of synonyms, each with its weight.

    A term of several words shares its weight among them. Words the reader used are left out.
    """
    own = set(terms_of(text))
    found: dict[str, float] = {}
    for group in groups:
        for other in group:
            words = significant(other)
            if not words or term(other) in own:
                continue
            for word in words:
                if _singular(word) not in own:
                    found[word] = max(found.get(word, 0.0), SYNONYM_WEIGHT / len(words))
    return found


_TERM = re.compile(r"[^\W_]+")


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word[-1] in "sx" else word


def vocabulary(texts: Iterable[str]) -> dict[str, str]:
    """The words of titles, topics, firms and people that a reader may have misspelt: bare form → one to show."""
    found: dict[str, str] = {}
    for text in texts:
        for match in _TERM.finditer(normalise(text)):
            word = bare(match.group())
            if len(word) >= SHORTEST_SPELT and not word.isdecimal() and word not in _NO_WEIGHT:
                found.setdefault(word, match.group().casefold())
    return found


# Of shorter words another one is always near.
SHORTEST_SPELT = 5


def clauses(text: str, most: int) -> tuple[str, ...]:
    """What a reader said, in pieces short enough to set beside an answer, the first `most` of them."""
    found: list[str] = []
    for sentence in sentences(text):
        for line in sentence.splitlines():
            piece = ""
            for part in _CLAUSE_END.split(line):
                # A comma ends a clause only where both sides say something.
                if piece and (len(piece) < SHORTEST_CLAUSE or len(part) < SHORTEST_CLAUSE):
                    piece += part
                else:
                    found.append(piece)
                    piece = part
            found.append(piece)
    return tuple(piece.strip(" ,;:") for piece in found if len(piece.strip(" ,;:")) > 2)[:most]


SHORTEST_CLAUSE = 40
_CLAUSE_END = re.compile(r"(?<=[,;:])(?=\s)")


def weigh_by(words: Iterable[Word], factors: Mapping[str, float]) -> tuple[Word, ...]:
    """Words with their weight times their lexeme's factor, rarest first."""
    weighed = [Word(word.lexeme, word.having, word.weight * factors.get(word.lexeme, 1.0)) for word in words]
    return tuple(sorted(weighed, key=lambda word: (word.having, word.lexeme)))
