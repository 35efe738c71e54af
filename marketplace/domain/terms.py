"""The documents people accept, each with the date of its version in force.

A new version gets a new date here; what was accepted before stays recorded under the old one
(regulation.md, "Confidentiality and competition": kept with version and time).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

DOCUMENTS: Mapping[str, str] = {
    "terms": "2026-11-24",
    "charter": "2026-11-24",
    "confidentiality": "2026-11-24",
    # The expert's declaration, at each acceptance, that no conflict of interest stands in the way.
    "conflict": "2026-11-24",
}
AT_SIGN_UP = ("terms",)


def not_accepted(wanted: Iterable[str], accepted: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Which of the wanted documents are not among the accepted (document, version) in force."""
    have = set(accepted)
    return tuple(name for name in wanted if (name, DOCUMENTS[name]) not in have)
