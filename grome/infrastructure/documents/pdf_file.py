"""Write PDF files: a table over A4 pages, in the scripts of its names."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from typing import BinaryIO, Final, cast

import pymupdf_fonts
from fontTools.ttLib import TTFont
from fpdf import FPDF
from fpdf.enums import TableBordersLayout, WrapMode
from fpdf.fonts import TTFFont

from grome.infrastructure.documents.tables import Column, Row, TooLongError

# The whole document is in memory, and a row takes 1 ms or more. People do not read a thousand pages.
MAX_ROWS: Final = 5_000
_MAX_CELL_CHARS: Final = 300
# Latin, Cyrillic, Greek, Arabic, Hebrew, Thai, Georgian and Devanagari.
_FIRA: Final = "firago"
_NOTO: Final = files("manimgx_fonts")
# Fonts for all other scripts, tried in this order: South and Southeast Asia, Armenian and Ethiopic, symbols, emoji in
# one colour, and last, of 8 MB, the scripts of East Asia.
_FALLBACKS: Final = {
    **{
        name.lower(): _NOTO / f"Noto{name}[wght].ttf"
        for name in (
            "SansTamil", "SansBengali", "SansTelugu", "SansGujarati", "SansGurmukhi", "SansKannada", "SansMalayalam",
            "SansSinhala", "SansOriya", "SansKhmer", "SansLao", "SansMyanmar", "SansArmenian", "SansEthiopic",
            "SansSymbols", "Emoji",
        )
    },
    "cjk": files("grome.infrastructure.documents") / "fonts" / "NotoSansCJKjp-Regular.otf",
}  # fmt: skip
_UNKNOWN: Final = "\N{WHITE VERTICAL RECTANGLE}"
# Joiners and variation selectors, which are dropped without notice if no font has them.
_INVISIBLE: Final = frozenset(
    "\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}\N{VARIATION SELECTOR-15}\N{VARIATION SELECTOR-16}"
)
# Scripts from Hebrew to those of India, presentation forms, and joined emoji: their letters depend on their neighbours.
# Other rows are written without shaping, which takes three times as long.
_NEEDS_SHAPING: Final = re.compile("[\u0590-\u1cff\u200d\ufb1d-\ufeff]")
_LINE_MM: Final = 4.6
_GREY: Final = 110


@dataclass(frozen=True, slots=True)
class Heading:
    """Holds the title, the lines below it, and the other texts of a document.

    `page` is filled with the `number` of a page and the `total` of the pages. `legend` explains the
    sign for a character without a font.
    """

    title: str
    lines: Sequence[str]
    made_at: datetime
    page: str
    legend: str
    empty_note: str = ""


class PdfFile:
    """Writes a table as PDF. `folder` holds fonts while the file is open.

    All methods are CPU-bound and belong in a thread.
    """

    def __init__(self, file: BinaryIO, folder: Path, heading: Heading, columns: Sequence[Column]) -> None:
        self._file, self._heading = file, heading
        self._shown = [number for number, column in enumerate(columns) if column.width]
        self._pdf = _Pages([columns[number] for number in self._shown], folder, heading)
        self._pdf.set_title(heading.title)
        self._pdf.set_creation_date(heading.made_at)
        self._rows = 0
        self._pdf.begin()

    def add(self, rows: Sequence[Row]) -> None:
        """Add rows. Raises TooLongError."""
        self._rows += len(rows)
        if self._rows > MAX_ROWS:
            raise TooLongError
        if rows:
            self._pdf.add_rows([[row[number] for number in self._shown] for row in rows])

    def finish(self, totals: Sequence[str]) -> None:
        self._pdf.end([*([] if self._rows else [self._heading.empty_note]), *totals])
        self._pdf.output(self._file)

    def close(self) -> None:
        self._pdf.close_fonts()
        self._file.close()


class _Pages(FPDF):
    """Lays out pages with column headers and page numbers."""

    def __init__(self, columns: Sequence[Column], folder: Path, heading: Heading) -> None:
        super().__init__(format="A4")
        self._columns, self._heading = columns, heading
        self._in_table = False
        for style, name in (("", "figo"), ("B", "figbo")):
            path = folder / f"{name}.ttf"
            path.write_bytes(pymupdf_fonts.myfont(name))
            self.add_font(_FIRA, style, path)
        self._known = set(self._characters_of(_FIRA))
        self._fallbacks: list[str] = []
        self._has_unknown = False
        self.set_margins(12, 14)
        self.set_auto_page_break(True, margin=16)

    def begin(self) -> None:
        heading = self._heading
        self.add_page()
        self._line(heading.title, 18, 9, style="B")
        for line in heading.lines:
            self._line(line, 10, 5.4)
        self.ln(4)
        self._in_table = True
        self._column_heads()

    def add_rows(self, rows: Sequence[Sequence[object]]) -> None:
        texts = [[self._printable(_text(cell)) for cell in row] for row in rows]
        for shaped, alike in groupby(texts, lambda row: any(map(_NEEDS_SHAPING.search, row))):
            self.set_text_shaping(shaped)
            self._add_table(list(alike))

    def _add_table(self, rows: list[list[str]]) -> None:
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
        if self._has_unknown:
            self._line(f"{_UNKNOWN} {self._heading.legend}", 8, 4.6)

    def close_fonts(self) -> None:
        """Close the fonts, which the library does only when it writes the document."""
        for font in self.fonts.values():
            cast("TTFFont", font).close()

    def header(self) -> None:
        if self._in_table:
            self._column_heads()

    def footer(self) -> None:
        self.set_y(-12)
        text = self._heading.page.format(number=self.page_no(), total="{nb}")
        self.set_font(_FIRA, "", 8)
        self.set_text_shaping(_NEEDS_SHAPING.search(text) is not None)
        self.set_text_color(_GREY)
        self.cell(0, 5, text, align="R")
        self.set_text_color(0)

    def _column_heads(self) -> None:
        self.set_font(_FIRA, "B", 9)
        self.set_text_shaping(any(_NEEDS_SHAPING.search(column.title) for column in self._columns))
        wide = self.epw / sum(column.width for column in self._columns)
        for column in self._columns:
            self.cell(column.width * wide, 6, self._printable(column.title), align=column.align[0], border="B")
        self.ln(7)

    def _line(self, text: str, size: float, height: float, *, style: str = "") -> None:
        self.set_font(_FIRA, style, size)
        self.set_text_shaping(_NEEDS_SHAPING.search(text) is not None)
        self.multi_cell(0, height, self._printable(text), align="L", new_x="LMARGIN", new_y="NEXT")

    def _printable(self, text: str) -> str:
        """Load further fonts if the text needs them, and mark a character that no font has as unknown."""
        wanted = set(map(ord, text)) - self._known
        for name in _FALLBACKS if wanted else ():
            if name not in self._fallbacks and wanted & _characters_in(name):
                self._fallbacks.append(name)
                self.add_font(name, "", str(_FALLBACKS[name]))
                self.set_fallback_fonts(self._fallbacks, exact_match=False)
                self._known.update(_characters_in(name))
                wanted -= self._known
        return "".join(map(self._printable_character, text)) if wanted else text

    def _printable_character(self, character: str) -> str:
        if ord(character) in self._known:
            return character
        if character in _INVISIBLE:
            return ""
        self._has_unknown = True
        return _UNKNOWN

    def _characters_of(self, font: str) -> Sequence[int]:
        return list(cast("TTFFont", self.fonts[font]).ttfont.getBestCmap())


@lru_cache
def _characters_in(fallback: str) -> frozenset[int]:
    """Return the characters of a font without loading it, which is much faster."""
    with TTFont(str(_FALLBACKS[fallback]), lazy=True) as font:
        return frozenset(font.getBestCmap())


def _text(cell: object) -> str:
    text = cell if isinstance(cell, str) else f"{cell:,}"
    return text if len(text) <= _MAX_CELL_CHARS else f"{text[: _MAX_CELL_CHARS - 1]}…"
