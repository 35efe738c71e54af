"""Mail addresses: whose domain is a company's, and whose is anybody's."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

_WORD = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_PLAIN = re.compile(rf"(?=[^@]{{1,64}}@){_WORD}(?:\.{_WORD})*@{_LABEL}(?:\.{_LABEL})+")
_LIST = Path(__file__).with_name("freemail.txt")


def is_plain_address(text: str) -> bool:
    """Whether this is name@company.com in plain letters, as every mail server takes it."""
    return len(text) <= 254 and _PLAIN.fullmatch(text) is not None


def domain_of(email: str) -> str:
    """What stands behind the @, in lower case."""
    return email.rsplit("@", 1)[-1].lower().rstrip(".")


def is_free_mail(domain: str) -> bool:
    """Whether anybody can get an address at this domain, or at one above it."""
    parts = domain.lower().split(".")
    return any(".".join(parts[start:]) in free_mail_domains() for start in range(len(parts) - 1))


@cache
def free_mail_domains() -> frozenset[str]:
    """The list, read once."""
    lines = _LIST.read_text("utf-8").splitlines()
    return frozenset(line for line in lines if line and not line.startswith("#"))


def company_name_from(domain: str) -> str:
    """A first name for a company: `acieries-morvan.fr` → `Acieries Morvan`."""
    labels = domain.split(".")
    # aciers.co.uk: the name stands before the second-level part that registries reserve.
    known_seconds = {"co", "com", "org", "net", "ac", "gov"}
    place = -3 if len(labels) > 2 and labels[-2] in known_seconds else -2
    label = labels[place] if len(labels) > 1 else labels[0]
    return " ".join(word.capitalize() for word in label.replace("_", "-").split("-") if word) or domain
