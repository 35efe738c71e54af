"""What an expert says about themselves: which fields, how long, and what an admission needs.

Half-written answers are kept as typed; what is wrong with them is said beside the field and keeps the
draft from being submitted. Numbers of registers are checked in services/experts (python-stdnum).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from .vat import IN_EU, SMALL_BUSINESS, territory

# One draft, two pages: who one is for the law and the tax office, and who one is for buyers.
IDENTITY = (
    "legal_name", "street", "postcode", "city", "country", "registration", "vat_status", "vat_number",
    "vat_ground",
)  # fmt: skip
PROFILE = (
    "photo_id", "headline", "startup", "startup_role", "languages", "language", "bio", "website",
    "meeting_link", "standing", "conflicts",
)  # fmt: skip
FIELDS = (*IDENTITY, *PROFILE)

# Characters at most.
LINES: Mapping[str, int] = {
    "legal_name": 200, "street": 200, "postcode": 20, "city": 100, "country": 2, "registration": 40,
    "vat_status": 10, "vat_number": 40, "vat_ground": 20, "headline": 100, "startup": 120,
    "startup_role": 120, "language": 2, "website": 200, "meeting_link": 200, "photo_id": 36,
}  # fmt: skip
LONGEST_BIO = 3000
BIO_WORDS = (40, 400)
MOST_CONFLICTS = 20
LONGEST_CONFLICT = 120
# Languages a session may be given in: those our demo and our neighbours speak.
SPOKEN = (
    "fr",
    "en",
    "de",
    "es",
    "it",
    "nl",
    "pt",
    "pl",
    "sv",
    "da",
    "no",
    "fi",
    "cs",
    "el",
    "ro",
    "hu",
    "ar",
)
WRITTEN = ("fr", "en")
# Whoever works on their own account there has a company number: it is asked for, not offered.
ALWAYS_REGISTERED = frozenset({"FR"})

OUTSIDE = "outside_scope"
LISTS = ("languages", "conflicts")


def empty() -> dict[str, Any]:
    """A draft nobody has written in yet."""
    return {name: [] if name in LISTS else False if name == "standing" else "" for name in FIELDS}


def grounds_for(country: str) -> tuple[str, ...]:
    """Why somebody there may charge no VAT: the small business scheme, or no VAT of that kind at all."""
    if not country:
        return (SMALL_BUSINESS["FR"], SMALL_BUSINESS["*"], OUTSIDE)
    home = territory(country)
    if home in IN_EU:
        return (SMALL_BUSINESS.get(home, SMALL_BUSINESS["*"]),)
    return (SMALL_BUSINESS["*"], OUTSIDE)


def missing_identity(content: Mapping[str, Any]) -> tuple[str, ...]:
    """Which answers about who one is are still to give, in the page's order."""
    needed = ["legal_name", "street", "postcode", "city", "country"]
    if content.get("country") in ALWAYS_REGISTERED:
        needed.append("registration")
    needed.append("vat_status")
    needed += {"liable": ["vat_number"], "exempt": ["vat_ground"]}.get(content.get("vat_status") or "", [])
    return tuple(name for name in needed if not content.get(name))


def missing_profile(content: Mapping[str, Any]) -> tuple[str, ...]:
    """Which answers buyers read are still to give. A photograph helps and is nobody's duty."""
    needed = ("headline", "startup", "startup_role", "languages", "language", "bio")
    lacking = [name for name in needed if not content.get(name)]
    if content.get("standing") and not content.get("meeting_link"):
        lacking.append("meeting_link")
    return tuple(lacking)


def words_in(text: str) -> int:
    """How many words, as the counter beside the field counts them."""
    return len(text.split())


def is_https(text: str) -> bool:
    """Whether this is a web address that starts with https:// and names a host."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme == "https" and "." in (parts.hostname or "") and " " not in text
