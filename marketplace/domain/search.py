"""Reading a problem told in one's own words: which words say something, where sentences end.

Source: docs of the search ("Normalise before anything: curly and straight apostrophes, no-break
spaces, case, accents, hyphens, OE ligature"). Pure: stemming is the database's.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

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
    words = [bare(match.group()) for match in _WORD.finditer(normalise(text))]
    french = sum(word in _FRENCH and word not in _ENGLISH for word in words)
    english = sum(word in _ENGLISH and word not in _FRENCH for word in words)
    return "en" if english > french else "fr"


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
