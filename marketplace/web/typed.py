"""What people type into plain fields, read in either language."""

from __future__ import annotations


def cents(text: str) -> int | None:
    """An amount in euros as it is typed in either language ("1 200,50", "1200.5"), in cents; None where it is none."""
    plain = "".join(text.split()).replace("\u202f", "").replace("€", "").replace(",", ".")
    whole, _dot, rest = plain.partition(".")
    if not (whole.isascii() and whole.isdigit() and len(whole) < 8) or len(rest) > 2:
        return None
    if rest and not (rest.isascii() and rest.isdigit()):
        return None
    return int(whole) * 100 + int(rest.ljust(2, "0") or 0)
