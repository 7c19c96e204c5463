"""`Retry-After` in both of its forms, and in none."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grome.infrastructure.retry_after import LONGEST_S, read_retry_after

NOW = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0),
        (" 120 ", 120),
        ("99999999", LONGEST_S),
        ("9" * 400, LONGEST_S),
        ("Tue, 01 Dec 2026 08:02:00 GMT", 120),
        ("Tue, 01 Dec 2026 07:00:00 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_S),
        (None, None),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("nan", None),
        ("٣", None),
        ("soon", None),
    ],
)
def test_retry_after_header_is_read_in_seconds(header: str | None, seconds: float | None) -> None:
    assert read_retry_after(header, NOW) == seconds


@given(st.text())
def test_retry_after_header_of_any_text_gives_bounded_seconds_or_none(header: str) -> None:
    seconds = read_retry_after(header, NOW)
    assert seconds is None or 0 <= seconds <= LONGEST_S
