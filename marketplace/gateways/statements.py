"""The door for papers: a statement or a receipt, already in words, as one file to keep.

What is written on it comes in the reader's language and with its amounts formatted: whoever draws it knows no
words and does no sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol


@dataclass(frozen=True)
class Column:
    """A column of a table: its head, its part of the width, and whether it holds amounts (set to the right)."""

    words: str
    width: int
    amounts: bool = False


@dataclass(frozen=True)
class Row:
    """One line, a cell a column. A second line of a cell stands behind a line break, smaller."""

    cells: Sequence[str]
    kind: Literal["line", "total"] = "line"


@dataclass(frozen=True)
class Table:
    """A table with its heading; the heads are said again on each page."""

    heading: str
    columns: Sequence[Column]
    rows: Sequence[Row]


@dataclass(frozen=True)
class Paper:
    """A whole paper. `parties` stand side by side under the title: (who, their lines)."""

    language: str
    title: str
    lines: Sequence[str]
    parties: Sequence[tuple[str, Sequence[str]]]
    tables: Sequence[Table]
    notes: Sequence[str]
    # On each page: who made it, and which page of how many ("Page %d / %s" in words).
    footer: str
    page_words: str
    made_at: datetime
    # Said large on every page where no money moved.
    warning: str = ""


class Statements(Protocol):
    """Who draws papers."""

    def draw(self, paper: Paper) -> bytes:
        """The paper as a PDF, A4 upright. The same paper gives the same bytes."""
        ...
