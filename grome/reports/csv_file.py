"""Reports as CSV: RFC 4180 in UTF-8 with a header, and no cell that a spreadsheet would take for a formula."""

import csv
import io
from collections.abc import Sequence
from typing import BinaryIO, Final

from grome.reports.contents import Cell, Column, Row

# Spreadsheets begin a formula at these, some also at their full-width forms, and after white space (OWASP, "CSV
# Injection"). An apostrophe before it makes it a text.
_FORMULA: Final = tuple("=+-@＝＋－＠")  # noqa: RUF001 -- those are meant
_SPACE: Final = tuple("\t\r\n")


class CsvFile:
    def __init__(self, file: BinaryIO, columns: Sequence[Column]) -> None:
        self._file = file
        self._write([tuple(column.name for column in columns)])

    def add(self, rows: Sequence[Row]) -> None:
        self._write(rows)

    def finish(self, totals: Sequence[str]) -> None:
        """Totals are for people: a table that programs read ends with its last row."""

    def close(self) -> None:
        self._file.close()

    def _write(self, rows: Sequence[Row]) -> None:
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\r\n").writerows([guarded(cell) for cell in row] for row in rows)
        self._file.write(text.getvalue().encode())


def guarded(cell: Cell) -> Cell:
    """Numbers stay as they are; a text that could be a formula has an apostrophe before it."""
    if isinstance(cell, str) and (cell.startswith(_SPACE) or cell.lstrip().startswith(_FORMULA)):
        return f"'{cell}"
    return cell
