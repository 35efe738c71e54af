"""Masking ways to reach somebody, in texts that two sides exchange before a booking (security.md, abuse 1)."""

from __future__ import annotations

from .checks import contacts

# What stands in the place of what was found; `is_masked` knows it again.
MASK = "•••••"


def mask_contacts(text: str) -> str:
    """The text with each mail address, telephone number, link and handle as MASK; the same where there is none."""
    parts, last = [], 0
    for found in contacts(text):
        parts += [text[last : found.start], MASK]
        last = found.end
    return "".join([*parts, text[last:]])


def is_masked(text: str) -> bool:
    """Whether something was masked in it: then the page says why."""
    return MASK in text
