"""Reports as PDF: a table over A4 pages, in whatever script its names are written."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from typing import BinaryIO, Final, cast

import pymupdf_fonts
from fpdf import FPDF
from fpdf.enums import TableBordersLayout, WrapMode
from fpdf.fonts import TTFFont

from grome.reports.contents import NOTHING, Column, Row
from grome.reports.errors import TooLongError

# The whole document is in memory, and a row costs a millisecond or more. It is for people, who turn no thousand pages.
MAX_ROWS: Final = 5_000
_LONGEST_CELL: Final = 300
# Latin, Cyrillic, Greek, Arabic, Hebrew, Thai, Georgian and Devanagari; the other has what is written in East Asia.
_FIRA: Final = "firago"
_CJK: Final = "cjk"
_CJK_FILE: Final = files("noto_cjk_sans_jp_regular") / "NotoSansCJKjp-Regular.otf"
_UNKNOWN: Final = "?"
# From Hebrew to the scripts of India, and the old codes of shaped letters: here a letter's form hangs on those beside
# it. Other rows are spared the shaping, which makes them take three times as long.
_SHAPED: Final = re.compile("[\u0590-\u1cff\ufb1d-\ufeff]")
_LINE_MM: Final = 4.6
_GREY: Final = 110


@dataclass(frozen=True, slots=True)
class Heading:
    title: str
    lines: Sequence[str]
    made_at: datetime


class PdfFile:
    """`folder` holds fonts while the file is made. All of it takes a processor's time, so it belongs in a thread."""

    def __init__(self, file: BinaryIO, folder: Path, heading: Heading, columns: Sequence[Column]) -> None:
        self._file, self._heading = file, heading
        self._shown = [number for number, column in enumerate(columns) if column.width]
        self._pdf = _Pages([columns[number] for number in self._shown], folder)
        self._pdf.set_title(heading.title)
        self._pdf.set_creation_date(heading.made_at)
        self._rows = 0
        self._pdf.begin(heading)

    def add(self, rows: Sequence[Row]) -> None:
        """Raises TooLongError."""
        self._rows += len(rows)
        if self._rows > MAX_ROWS:
            raise TooLongError
        if rows:
            self._pdf.add_rows([[row[number] for number in self._shown] for row in rows])

    def finish(self, totals: Sequence[str]) -> None:
        self._pdf.end([*([] if self._rows else [NOTHING]), *totals])
        self._pdf.output(self._file)

    def close(self) -> None:
        self._pdf.close_fonts()
        self._file.close()


class _Pages(FPDF):
    """Column heads stand on each page, and page numbers."""

    def __init__(self, columns: Sequence[Column], folder: Path) -> None:
        super().__init__(format="A4")
        self._columns = columns
        self._in_table = False
        for style, name in (("", "figo"), ("B", "figbo")):
            path = folder / f"{name}.ttf"
            path.write_bytes(pymupdf_fonts.myfont(name))
            self.add_font(_FIRA, style, path)
        self._known = set(self._characters_of(_FIRA))
        self._has_cjk = False
        self.set_margins(12, 14)
        self.set_auto_page_break(True, margin=16)

    def begin(self, heading: Heading) -> None:
        self.add_page()
        self._line(heading.title, 18, 9, style="B")
        for line in heading.lines:
            self._line(line, 10, 5.4)
        self.ln(4)
        self._in_table = True
        self._column_heads()

    def add_rows(self, rows: Sequence[Sequence[object]]) -> None:
        texts = [[self._printable(_text(cell)) for cell in row] for row in rows]
        for shaped, alike in groupby(texts, lambda row: any(map(_SHAPED.search, row))):
            self.set_text_shaping(shaped)
            self._add_alike(list(alike))

    def _add_alike(self, rows: list[list[str]]) -> None:
        self.set_font(_FIRA, "", 9)
        with self.table(
            rows=rows,
            first_row_as_headings=False,
            col_widths=[column.width for column in self._columns],
            text_align=[column.align for column in self._columns],
            borders_layout=TableBordersLayout.NONE,
            line_height=_LINE_MM,
            padding=(0.6, 1),
            v_align="TOP",
            wrapmode=WrapMode.WORD,
        ):
            pass

    def end(self, lines: Sequence[str]) -> None:
        self._in_table = False
        self.ln(2)
        self.set_draw_color(_GREY)
        self.line(self.l_margin, self.get_y(), self.w - self.r_margin, self.get_y())
        self.ln(3)
        for line in lines:
            self._line(line, 10, 5.4)

    def close_fonts(self) -> None:
        """The library does so only when it writes the document."""
        for font in self.fonts.values():
            cast("TTFFont", font).close()

    def header(self) -> None:
        if self._in_table:
            self._column_heads()

    def footer(self) -> None:
        self.set_y(-12)
        self.set_font(_FIRA, "", 8)
        self.set_text_color(_GREY)
        self.cell(0, 5, f"Page {self.page_no()} of {{nb}}", align="R")
        self.set_text_color(0)

    def _column_heads(self) -> None:
        self.set_font(_FIRA, "B", 9)
        wide = self.epw / sum(column.width for column in self._columns)
        for column in self._columns:
            self.cell(column.width * wide, 6, column.title, align=column.align[0], border="B")
        self.ln(7)

    def _line(self, text: str, size: float, height: float, *, style: str = "") -> None:
        self.set_font(_FIRA, style, size)
        self.set_text_shaping(_SHAPED.search(text) is not None)
        self.multi_cell(0, height, self._printable(text), align="L", new_x="LMARGIN", new_y="NEXT")

    def _printable(self, text: str) -> str:
        """The second font, of 16 MB, is only loaded for whom it is needed. What neither has is shown as unknown."""
        if not self._has_cjk and not self._known.issuperset(map(ord, text)):
            self._has_cjk = True
            self.add_font(_CJK, "", str(_CJK_FILE))
            self.set_fallback_fonts([_CJK], exact_match=False)
            self._known.update(self._characters_of(_CJK))
        return "".join(letter if ord(letter) in self._known else _UNKNOWN for letter in text)

    def _characters_of(self, font: str) -> Sequence[int]:
        return list(cast("TTFFont", self.fonts[font]).ttfont.getBestCmap())


def _text(cell: object) -> str:
    text = cell if isinstance(cell, str) else f"{cell:,}"
    return text if len(text) <= _LONGEST_CELL else f"{text[: _LONGEST_CELL - 1]}…"
