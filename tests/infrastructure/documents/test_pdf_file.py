"""Test PDFs by reading them back: names in all scripts, page numbers, and totals."""

import io
import unicodedata
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pypdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grome.infrastructure.container import Container
from grome.infrastructure.documents import pdf_file
from grome.infrastructure.documents.pdf_file import MAX_ROWS, Heading, PdfFile
from grome.infrastructure.documents.tables import Column, Row, TooLongError
from tests.builders.barbers import barber
from tests.builders.bookings import tomorrow
from tests.builders.reports import (
    build_report,
    built,
    download,
    insert_all,
    make_booking,
    read_report,
    requested_report,
)

COLUMNS = [Column("hidden"), Column("name", "Name", 60), Column("count", "Count", 20, "RIGHT")]
MADE_AT = datetime(2027, 3, 1, 9, tzinfo=UTC)


def heading(lines: tuple[str, ...]) -> Heading:
    return Heading(
        "Bookings",
        lines,
        MADE_AT,
        page="Page {number} of {total}",
        legend="stands for a character that this document has no font for.",
        empty_note="There is nothing in this period.",
    )


def pages(folder: Path, rows: list[Row], lines: tuple[str, ...] = ()) -> list[str]:
    """Return the text of each page."""
    file = io.BytesIO()
    table = PdfFile(file, folder, heading(lines), COLUMNS)
    for number in range(0, len(rows), 50):
        table.add(rows[number : number + 50])
    table.finish(["the totals"])
    document = pypdf.PdfReader(io.BytesIO(file.getvalue()))
    table.close()
    assert {(page.mediabox.width, page.mediabox.height) for page in document.pages} == {(595.28, 841.89)}
    return [page.extract_text() for page in document.pages]


UNKNOWN = "\N{WHITE VERTICAL RECTANGLE}"
NAMES = [
    "Łukasz Żółć", "Nguyễn Thị Ánh", "Ștefan Țepeș", "Ольга Жукова", "Қайрат Ғабит", "Γιώργος Παπαδόπουλος",
    "محمد عبد الله", "شهرزاد پارسا", "דוד כהן", "田中 美咲", "さくら", "김민준", "王小明", "ศรีกมล",
]  # fmt: skip


# In one document, which loads a font for each.
OTHERS = [
    "தமிழ்ச்செல்வி", "সুমাইয়া খাতুন", "సరస్వతి", "ગુજરાતી", "ਗੁਰਪ੍ਰੀਤ", "ಕನ್ನಡ", "മലയാളം", "සිංහල", "ଓଡ଼ିଆ", "देवनागरी",
    "ខ្មែរ", "ລາວ", "မြန်မာ", "Արմեն", "ሰላም", "Salon 😀 ✂️ 💈", "👩🏽‍🦱 Curls", "Zoë தமிழ் 美咲 😀",
]  # fmt: skip


def test_pdf_names_of_all_scripts_are_readable(tmp_path: Path) -> None:
    """Compares letters only: PDF readers differ in word breaks and right-to-left order."""
    (text,) = pages(tmp_path, [("hidden", name, 1) for name in NAMES], tuple(NAMES))
    assert UNKNOWN not in text
    letters = {letter for name in NAMES for letter in name if unicodedata.category(letter).startswith("L")}
    missing = letters - set(unicodedata.normalize("NFKC", text))
    assert missing == set()
    assert "hidden" not in text


def test_pdf_names_with_fallback_fonts_are_readable(tmp_path: Path) -> None:
    (text,) = pages(tmp_path, [("", name, 1) for name in OTHERS])
    assert UNKNOWN not in text
    letters = {letter for name in OTHERS for letter in name if unicodedata.category(letter)[0] in "LS"}
    missing = letters - set(unicodedata.normalize("NFKC", text)) - set(text)
    assert missing == set()


def test_pdf_pages_have_headers_and_numbers(tmp_path: Path) -> None:
    found = pages(tmp_path, [("", f"Name {number}", 1_000_000 + number) for number in range(120)])
    assert len(found) == 3
    for number, page in enumerate(found, 1):
        assert f"Page {number} of 3" in page
        assert "Count" in page
    text = "\n".join(found)
    for number in range(120):
        assert text.count(f"Name {number}\n") + text.count(f"Name {number} ") == 1
        assert f"{1_000_000 + number:,}" in text
    assert text.count("Bookings") == 1
    assert "the totals" in found[-1]


def test_pdf_without_rows_says_so(tmp_path: Path) -> None:
    (text,) = pages(tmp_path, [])
    assert "There is nothing in this period." in text


def test_pdf_long_text_is_wrapped_and_cut(tmp_path: Path) -> None:
    found = pages(tmp_path, [("", "x" * 5_000, 1), ("", "word " * 1_000, 2)])
    text = "".join(found)
    assert 250 < text.count("x") <= 301
    assert text.count("…") == 2


@settings(max_examples=4)
@given(st.lists(st.text(max_size=40), max_size=8))
def test_pdf_accepts_any_character(tmp_path: Path, names: list[str]) -> None:
    encodable = [name.encode(errors="replace").decode() for name in names]
    assert pages(tmp_path, [("", name, 1) for name in encodable], tuple(encodable))


def test_pdf_unknown_character_is_a_rectangle_with_legend(tmp_path: Path) -> None:
    (text,) = pages(tmp_path, [("", "a \N{EGYPTIAN HIEROGLYPH A001} b", 1)])
    assert f"a {UNKNOWN} b" in text
    assert f"{UNKNOWN} stands for a character" in text
    (text,) = pages(tmp_path, [("", "a b", 1)])
    assert "stands for" not in text


def test_pdf_with_too_many_rows_is_refused(tmp_path: Path) -> None:
    table = PdfFile(io.BytesIO(), tmp_path, heading(()), COLUMNS)
    with pytest.raises(TooLongError):
        table.add([("", "x", 1)] * (MAX_ROWS + 1))
    table.close()


async def test_pdf_report_is_built_and_downloaded(http: httpx.AsyncClient, container: Container) -> None:
    shop = await barber(http, container, name="Γιώργος & Ольга")
    await insert_all(container, [make_booking(tomorrow(9), barber_id=shop.person.id, price=123_450) for _ in range(3)])
    for kind, told in (
        ("bookings", "3 bookings: 3 completed"),
        ("revenue", "Revenue: 3,703.50 EUR"),
        ("payouts", "0 payouts"),
    ):
        answer = await download(http, await built(http, container, shop.person, kind=kind, format="pdf"))
        assert answer.headers["content-type"] == "application/pdf"
        (page,) = pypdf.PdfReader(io.BytesIO(answer.content)).pages
        text = page.extract_text()
        day = tomorrow(9).date()
        for part in (kind.capitalize(), "Γιώργος & Ольга", f"{day} to {day}, days of Europe/Berlin", told):
            assert part in text
        assert "Page 1 of 1" in text


async def test_pdf_report_that_is_too_long_fails(
    http: httpx.AsyncClient, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf_file, "MAX_ROWS", 60)
    shop = await barber(http, container)
    await insert_all(container, [make_booking(tomorrow(9), barber_id=shop.person.id) for _ in range(61)])
    report = await requested_report(http, shop.person, format="pdf")
    await build_report(container, report)
    failed = await read_report(http, shop.person, report)
    assert (failed["state"], failed["failure"], failed["url"]) == ("failed", "too_long", None)
    assert (await built(http, container, shop.person))["state"] == "done"  # as CSV
