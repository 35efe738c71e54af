"""What a machine can say of a text or a number before a person decides: pure, and never a decision.

A public text that carries a way to reach somebody takes the sessions off the platform (security.md,
abuse case 1): addresses, telephone numbers, links, handles, also where somebody dressed them up.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

# Words of a run that two texts share; shorter runs are the language's, longer ones miss a changed word.
SHINGLE = 5
# From this share of a text's runs on, it is the other one, told again.
SAME_TEXT = 0.35


@dataclass(frozen=True)
class Contact:
    """A way to reach somebody, as it stands in the text: what kind, and from where to where."""

    kind: str  # "email" | "phone" | "link" | "handle"
    text: str
    start: int
    end: int


_TLD = r"(?:com|fr|net|org|eu|io|co|me|app|dev|ai|ch|be|de|lu|es|it|uk|tech|info|pro)"
_AT = r"(?:@|[(\[{<]\s*(?:at|arobase?s?|a)\s*[)\]}>])"
_SAID_AT = r"(?:at|arobase?s?|chez)"
_SAID_DOT = r"(?:dot|point|[(\[{<]\s*(?:dot|point|\.)\s*[)\]}>])"
_DOT = rf"(?:\.|\s+\.\s*|\s*{_SAID_DOT}\s*)"
# A full stop and a space end a sentence, unless only the last part of an address follows.
_SPACED = rf"\.\s+{_TLD}"
_APPS = r"(?:whats\s?app|telegram|signal|skype|discord|insta(?:gram)?|snap(?:chat)?|twitter|linked\s?in|facebook|messenger|wechat|teams)"
_FIGURE = (
    r"(?:zéro|zero|oh|un|deux|trois|quatre|cinq|six|sept|huit|neuf|dix|onze|douze|treize|quatorze|quinze|seize"
    r"|vingts?|trente|quarante|cinquante|soixante|et|one|two|three|four|five|seven|eight|nine|double|triple)"
)
# "Un point com" is a meeting about communication: French office talk, no address.
_NO_NAME = r"(?:un|une|le|la|les|au|aux|du|des|de|ce|cet|chaque|notre|votre|mon|ton|son|premier|dernier|the|a|to|one|each|this|that|our)"

_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "email",
        re.compile(
            rf"[\w.+-]{{1,64}}\s?{_AT}\s?[\w-]{{1,63}}(?:(?:{_DOT}[a-z][\w-]{{1,62}})+|{_SPACED})\b"
            rf"|[\w.+-]{{2,64}}\s+{_SAID_AT}\s+[\w-]{{2,63}}(?:\s*{_SAID_DOT}\s*[a-z]{{2,10}})+\b"
            rf"|[\w.+-]{{2,64}}\s+arobase?s?\s+[\w-]{{2,63}}(?:(?:{_DOT}[a-z]{{2,10}})+|{_SPACED})\b"
            r"|\w+[._\d][\w.]*\s+(?:sur|chez|on|at|@)\s+(?:gmail|hotmail|outlook|yahoo|proton(?:mail)?|icloud|laposte)\b"
        ),
    ),
    (
        "link",
        re.compile(
            r"(?:https?|hxxps?)\s?:\s?//\S{3,}|\bwww\s?\.\s?\S{3,}"
            rf"|(?<![\w@.-])(?:[a-z0-9][a-z0-9-]{{0,62}}\.)+{_TLD}(?:/\S*)?(?![\w-]|\.[a-z])"
            rf"|(?<![\w-])(?!{_NO_NAME}\s)[\w-]{{2,63}}\s+{_SAID_DOT}\s+{_TLD}\b"
        ),
    ),
    (
        "phone",
        re.compile(
            # +33 6 12 34 56 78, 0033…, 06.12.34.56.78, 020 7946 0958, (415) 555-0132
            r"(?<![\d+])(?:\+|00)\s?[1-9]\d{0,2}(?:[\s.()/-]{0,3}\d){7,12}(?!\d)"
            r"|(?<![\d,.+])0\s?[1-9](?:[\s./-]{0,3}\d){8}(?!\d)"
            r"|(?<![\d,.+])0\d{2,4}[\s-]\d{3,4}[\s-]?\d{3,4}(?!\d)"
            r"|(?<![\d,.+])\(?[2-9]\d{2}\)?[\s.-]\d{3}[.-]\d{4}(?!\d)"
            rf"|\b(?:zéro|zero|oh|plus)(?:[\s,-]+(?:{_FIGURE}|\d\d)){{4,}}\b"
        ),
    ),
    (
        "handle",
        re.compile(
            r"(?<![\w@./])@[a-z_][\w.]{2,29}\b"
            rf"|\b{_APPS}\s?[:=]\s?@?[\w+][\w.+-]{{2,}}"
            rf"|\b(?:pseudo|identifiant|handle|user\s?name)\s(?:sur\s|on\s)?{_APPS}\s?(?:est|is|:)?\s?[\w.+-]{{3,}}"
            r"|\b(?:find|reach|contact|message|add|text|ping|dm|call|write(?:\sto)?)\sme\b[^.!?\n]{0,25}?"
            rf"\b(?:on|via|at|by|through)\s(?:my\s)?(?:{_APPS}|e-?mail|phone|web\s?site)\b"
            r"|\b(?:retrouve|contacte|écrive|ecrive|ajoute|joigne|appele|cherche|suive|écri|ecri|appelle|sui)[zsr]?[\s-](?:moi|nous)\b"
            rf"[^.!?\n]{{0,25}}?\b(?:sur|via|par|à|au)\s(?:mon\s)?(?:{_APPS}|e-?mail|mail|courriel|téléphone|site)\b"
        ),
    ),
)


# Products that are called like an address: what people ask about, not where they are.
_PRODUCTS = frozenset({"asp.net", "vb.net", "ado.net", "ml.net", "monday.com", "booking.com"})


def contacts(text: str) -> tuple[Contact, ...]:
    """The ways to reach somebody in a public text, in order; where two readings overlap, the first kind wins."""
    plain, places = _plain(text)
    taken: list[Contact] = []
    for kind, pattern in _PATTERNS:
        for found in pattern.finditer(plain):
            start, end = places[found.start()], places[found.end() - 1] + 1
            free = all(end <= one.start or start >= one.end for one in taken)
            if free and found[0] not in _PRODUCTS:
                taken.append(Contact(kind, text[start:end], start, end))
    return tuple(sorted(taken, key=lambda one: one.start))


def _plain(text: str) -> tuple[str, list[int]]:
    """Small letters in their plain form, without what is not seen; and where each stood."""
    plain: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        if unicodedata.category(character) == "Cf":  # Zero-width, soft hyphens.
            continue
        for one in unicodedata.normalize("NFKC", character).lower():
            plain.append(" " if one == "\u00a0" else one)
            places.append(place)
    return "".join(plain), places


def shared(text: str, other: str) -> float:
    """Which share of the text's runs of five words stand in the other one too, 0 to 1; 0 for a short text."""
    mine, theirs = set(_runs(text)), set(_runs(other))
    return len(mine & theirs) / len(mine) if len(mine) >= SHINGLE else 0.0


def _runs(text: str) -> Iterator[tuple[str, ...]]:
    bare = unicodedata.normalize("NFD", text.lower())
    words = re.findall(r"[^\W_]+", "".join(c for c in bare if not unicodedata.combining(c)))
    return (tuple(words[n : n + SHINGLE]) for n in range(len(words) - SHINGLE + 1))


def vat_says_company(vat_number: str, registration: str, country: str) -> bool | None:
    """Whether the VAT number holds the company's number; None where the country's does not hold it.

    France: two key digits, then the SIREN. Belgium: the enterprise number. Others are not compared.
    """
    vat, company = _digits(vat_number), _digits(registration)
    if not vat or not company:
        return None
    if country in ("FR", "MC"):
        return vat[-9:] == company[:9]
    if country == "BE":
        return vat.lstrip("0") == company.lstrip("0")
    return None


def _digits(text: str) -> str:
    return re.sub(r"\D", "", text)


def same_site(domain: str, website: str) -> bool:
    """Whether a mail domain is that of a website: the same, or one below the other."""
    host = re.sub(r"^[a-z]+://", "", website.strip().lower()).split("/")[0].split(":")[0].removeprefix("www.")
    return bool(host) and (host == domain or host.endswith(f".{domain}") or domain.endswith(f".{host}"))


def marked(text: str, found: Iterable[Contact]) -> tuple[tuple[str, bool], ...]:
    """The text in pieces, each with whether it is one of what was found."""
    pieces: list[tuple[str, bool]] = []
    at = 0
    for one in sorted(found, key=lambda contact: contact.start):
        pieces += [(text[at : one.start], False), (text[one.start : one.end], True)]
        at = one.end
    pieces.append((text[at:], False))
    return tuple(piece for piece in pieces if piece[0])
