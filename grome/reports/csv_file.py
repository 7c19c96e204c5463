"""Write reports as CSV (RFC 4180, UTF-8, with a header), safe from formula injection.

A byte order mark comes first, since spreadsheets read a file without it in an 8-bit encoding. With semicolons between
cells, decimals have a comma, as spreadsheets with that separator expect.
"""

import csv
import io
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import BinaryIO, Final

from grome.infrastructure.documents.tables import Cell, Column, Row
from grome.reports.models import Separator

_BYTE_ORDER_MARK: Final = "\N{ZERO WIDTH NO-BREAK SPACE}"
# Spreadsheets begin a formula at these signs, some also at their full-width forms, after whitespace and quotes (OWASP,
# "CSV Injection"). A file that is read with another separator than it was written with begins cells within texts, and a
# line break within a text begins a row there. An apostrophe makes a text of each.
_FORMULA: Final = re.compile(r"""((?:^|[;,\t\r\n])(?=[\s"]*[=+\-@＝＋－＠])|^(?=[\t\r\n]))""")  # noqa: RUF001 -- intended
_DELIMITERS: Final = {Separator.COMMA: ",", Separator.SEMICOLON: ";"}


class CsvFile:
    def __init__(self, file: BinaryIO, columns: Sequence[Column], separator: Separator = Separator.COMMA) -> None:
        self._file, self._separator = file, separator
        self._file.write(_BYTE_ORDER_MARK.encode())
        self._write([tuple(column.name for column in columns)])

    def add(self, rows: Sequence[Row]) -> None:
        self._write(rows)

    def finish(self, totals: Sequence[str]) -> None:
        """Write nothing: totals are for people, and programs expect the table to end with its last row."""

    def close(self) -> None:
        self._file.close()

    def _write(self, rows: Sequence[Row]) -> None:
        text = io.StringIO(newline="")
        writer = csv.writer(text, delimiter=_DELIMITERS[self._separator], lineterminator="\r\n")
        writer.writerows([self._format_cell(cell) for cell in row] for row in rows)
        self._file.write(text.getvalue().encode())

    def _format_cell(self, cell: Cell) -> Cell:
        if isinstance(cell, Decimal) and self._separator is Separator.SEMICOLON:
            return str(cell).replace(".", ",")
        return guard_formula(cell)


def guard_formula(cell: Cell) -> Cell:
    """Put an apostrophe before each part of a text that could be a formula; numbers stay as they are."""
    return _FORMULA.sub(r"\1'", cell) if isinstance(cell, str) else cell
