"""One paper drawn with fpdf2: the only file that knows it (docs/decisions/018)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fpdf import FPDF, FontFace
from fpdf.enums import TableBordersLayout, XPos, YPos

from ..statements import Column, Paper, Table

INK, INK_2, HAIR = (16, 21, 26), (74, 86, 97), (210, 217, 223)
FACE = "chivo"
MARGIN = 16
PARTY_GAP = 6


class Sheet(FPDF):
    """One paper on its way; the foot and the warning come on each page by themselves."""

    def __init__(self, paper: Paper, fonts: Path) -> None:
        super().__init__(format="A4")
        self._paper = paper
        self.add_font(FACE, "", fonts / "print-400.ttf")
        self.add_font(FACE, "B", fonts / "print-720.ttf")
        self.set_margins(MARGIN, MARGIN)
        self.set_auto_page_break(True, margin=20)
        self.set_creation_date(paper.made_at)
        self.set_title(paper.title)
        self.set_lang(paper.language)
        self.alias_nb_pages("{all}")
        self.add_page()

    def header(self) -> None:
        """The warning, where there is one."""
        if self._paper.warning:
            self._say(self._paper.warning, 9, bold=True)
            self.ln(2)

    def footer(self) -> None:
        """Who made it, and the page."""
        self.set_y(-14)
        self.set_font(FACE, "", 7.5)
        self.set_text_color(*INK_2)
        self.cell(0, 4, self._paper.footer)
        self.set_x(self.l_margin)
        self.cell(0, 4, self._paper.page_words % (self.page_no(), "{all}"), align="R")

    def head(self) -> None:
        """Title, lines, and the parties side by side."""
        self._say(self._paper.title, 20, bold=True)
        self.ln(1)
        for line in self._paper.lines:
            self._say(line, 10)
        self.ln(4)
        self._rule(0.6)
        self.ln(3)
        self._parties()

    def notes(self) -> None:
        """What is to be said below."""
        self.ln(4)
        for note in self._paper.notes:
            self._say(note, 8.5, quiet=True)
            self.ln(1)

    def one_table(self, table: Table) -> None:
        """A table over the whole width; its heads again on each page."""
        if table.heading:
            self.ln(2)
            self._say(table.heading, 13, bold=True)
            self.ln(1)
        self.set_font(FACE, "", 8.5)
        self.set_text_color(*INK)
        self.set_draw_color(*HAIR)
        strong = FontFace(family=FACE, emphasis="BOLD", size_pt=8.5, color=INK)
        with self.table(
            col_widths=tuple(column.width for column in table.columns), line_height=4.4, padding=(1.2, 1),
            text_align=tuple(_align(column) for column in table.columns), headings_style=strong,
            borders_layout=TableBordersLayout.HORIZONTAL_LINES,
        ) as drawn:  # fmt: skip
            drawn.row([column.words for column in table.columns])
            for row in table.rows:
                drawn.row(list(row.cells), style=strong if row.kind == "total" else None)

    def _parties(self) -> None:
        if not self._paper.parties:
            return
        top, lowest = self.get_y(), self.get_y()
        width = (self.epw - PARTY_GAP * (len(self._paper.parties) - 1)) / len(self._paper.parties)
        for number, (who, lines) in enumerate(self._paper.parties):
            self.set_xy(self.l_margin + number * (width + PARTY_GAP), top)
            self._block(who, lines, width)
            lowest = max(lowest, self.get_y())
        self.set_xy(self.l_margin, lowest)
        self.ln(3)

    def _block(self, who: str, lines: Sequence[str], width: float) -> None:
        left = self.get_x()
        for text, style in ((who, "B"), *((line, "") for line in lines)):
            self.set_x(left)
            self.set_font(FACE, style, 9)
            self.set_text_color(*INK)
            self.multi_cell(width, 4.6, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _say(self, text: str, size: float, *, bold: bool = False, quiet: bool = False) -> None:
        self.set_font(FACE, "B" if bold else "", size)
        self.set_text_color(*(INK_2 if quiet else INK))
        self.multi_cell(0, size * 0.5, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _rule(self, width: float) -> None:
        self.set_draw_color(*INK)
        self.set_line_width(width)
        self.line(self.l_margin, self.get_y(), self.l_margin + self.epw, self.get_y())
        self.set_line_width(0.2)


def _align(column: Column) -> str:
    return "RIGHT" if column.amounts else "LEFT"


def drawn(paper: Paper, fonts: Path) -> bytes:
    """The whole paper as a PDF."""
    sheet = Sheet(paper, fonts)
    sheet.head()
    for table in paper.tables:
        sheet.one_table(table)
    sheet.notes()
    return bytes(sheet.output())
