"""Papers as PDF, by fpdf2 (docs/decisions/018)."""

from __future__ import annotations

from pathlib import Path

from ..statements import Paper


class FpdfStatements:
    """`fonts`: the folder where tools/assets.py leaves `print-400.ttf` and `print-720.ttf`."""

    def __init__(self, fonts: Path) -> None:
        self._fonts = fonts

    def draw(self, paper: Paper) -> bytes:
        """The paper as a PDF, A4 upright. The same paper gives the same bytes."""
        # The library takes a second to load, and most processes never draw a paper.
        from .sheet import drawn

        return drawn(paper, self._fonts)
