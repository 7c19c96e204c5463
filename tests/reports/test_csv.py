"""Test that CSV survives a round trip and contains no formula."""

import csv
import io
import re
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from grome.common.money import decimal_of
from grome.infrastructure.documents.tables import Cell, Column, Row
from grome.reports.csv_file import CsvFile, guard_formula
from grome.reports.models import Separator

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30)
DELIMITERS = {Separator.COMMA: ",", Separator.SEMICOLON: ";"}
CELLS = st.one_of(
    TEXTS,
    st.sampled_from("=+-@;,\"'\r\n\t ＝＠").flatmap(lambda first: TEXTS.map(first.__add__)),  # noqa: RUF001 -- are meant
    st.integers(-(10**9), 10**9),
    st.decimals(-(10**9), 10**9, places=2),
)


def written(rows: list[Row], width: int, separator: Separator = Separator.COMMA) -> str:
    file = io.BytesIO()
    table = CsvFile(file, [Column(f"c{number}") for number in range(width)], separator)
    for row in rows:
        table.add([row])
    table.finish(["no total is written"])
    content = file.getvalue()
    assert content.startswith(b"\xef\xbb\xbf")
    return content.decode("utf-8-sig")


def is_formula(cell: str) -> bool:
    return cell.lstrip().startswith(tuple("=+-@＝＋－＠")) or cell.startswith(("\t", "\r", "\n"))  # noqa: RUF001


@given(st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=5), st.sampled_from(Separator))
@example([("=1+1", 'a "quoted", one', "two\r\nlines")], Separator.COMMA)
@example([("", "", "")], Separator.SEMICOLON)
def test_csv_is_read_back_unchanged(rows: list[tuple[Cell, ...]], separator: Separator) -> None:
    text = written(list(rows), 3, separator)
    header, *read = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=DELIMITERS[separator])
    assert header == ["c0", "c1", "c2"]
    assert text.endswith("\r\n")
    assert len(read) == len(rows)
    for got, put in zip((cell for row in read for cell in row), (cell for row in rows for cell in row), strict=True):
        if isinstance(put, str):
            assert got.replace("'", "") == put.replace("'", "")
            assert not is_formula(got)
            assert got == put or is_formula(put) or any(map(is_formula, re.split(r'[;,\t\r\n]["\s]*|^["\s]*', put)))
        elif isinstance(put, Decimal) and separator is Separator.SEMICOLON:
            assert got == str(put).replace(".", ",")
        else:
            assert got == str(put)


@given(st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=3), st.sampled_from(Separator), st.sampled_from(";,\t"))
@example([("Salon;=1+1;Nord", "a", "b")], Separator.COMMA, ";")
@example([('Salon;"=1+1"', "a", "b")], Separator.COMMA, ";")
@example([("Salon\t@x", "a", "b")], Separator.COMMA, "\t")
@example([("Salon, =1+1", "a", "b")], Separator.SEMICOLON, ",")
def test_csv_has_no_formula_with_any_separator(
    rows: list[tuple[Cell, ...]], separator: Separator, delimiter: str
) -> None:
    texts = [tuple(cell if isinstance(cell, str) else "" for cell in row) for row in rows]
    text = written(list(texts), 3, separator)
    parts = [cell for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) for cell in row]
    assert [cell for cell in parts if cell.lstrip().startswith(tuple("=+-@＝＋－＠"))] == []  # noqa: RUF001


def test_csv_follows_rfc_4180() -> None:
    """Section 2: CRLF, quotes only if needed, and doubled quotes within quotes."""
    text = written([("a,b", 'say "x"', "plain"), ("one\nline", Decimal("-1.50"), "")], 3)
    assert text == 'c0,c1,c2\r\n"a,b","say ""x""",plain\r\n"one\nline",-1.50,\r\n'


@pytest.mark.parametrize("cell", ["=SUM(A1)", "+49 30", "-1", "@name", "  =x", "\tx", '"=x', "＝x"])  # noqa: RUF001
def test_formula_becomes_text(cell: str) -> None:
    assert guard_formula(cell) == f"'{cell}"


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("Salon;=1+1;Nord", "Salon;'=1+1;Nord"),
        ("a, -b", "a,' -b"),
        ("a\t+b", "a\t'+b"),
        ("a\n@b", "a\n'@b"),
        (";=1;=2", ";'=1;'=2"),
    ],
)
def test_formula_after_a_separator_becomes_text(cell: str, text: str) -> None:
    assert guard_formula(cell) == text


@pytest.mark.parametrize("cell", ["a=b", "a; b", "a;b=c", "O'Brien", "5 - 3", "", -5, Decimal("-5.00")])
def test_other_cells_stay_unchanged(cell: Cell) -> None:
    assert guard_formula(cell) == cell


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [(1250, "EUR", "12.50"), (5, "USD", "0.05"), (0, "EUR", "0.00"), (1250, "JPY", "1250"), (1250, "KWD", "1.250"),
     (1250, "RSD", "12.50"), (10**9, "XTS", "10000000.00")],
)  # fmt: skip
def test_money_has_the_digits_of_its_currency(amount: int, currency: str, text: str) -> None:
    assert str(decimal_of(amount, currency)) == text
