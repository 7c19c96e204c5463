"""The columns and rows of a table in a file."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

Cell = str | int | Decimal
Row = tuple[Cell, ...]


class TooLongError(Exception):
    """Raised if a PDF would exceed its limit of rows."""


@dataclass(frozen=True, slots=True)
class Column:
    """Describes a column.

    `name` is its header in CSV; in a PDF, `title` is, and `width` its share of the page, 0 for none.
    """

    name: str
    title: str = ""
    width: int = 0
    align: Literal["LEFT", "RIGHT"] = "LEFT"
