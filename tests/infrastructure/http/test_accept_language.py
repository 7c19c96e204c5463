"""The language that a reader prefers, out of those that there are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grome.infrastructure.http.accept_language import preferred_language

AVAILABLE = ("en", "es", "fr", "de", "ar", "ja")


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "en"),
        ("", "en"),
        ("de", "de"),
        ("de-AT", "de"),
        ("DE-at;q=0.9", "de"),
        ("fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5", "fr"),
        ("en;q=0.5, ja", "ja"),
        ("nl, es;q=0.3", "es"),
        ("nl", "en"),
        ("*", "en"),
        ("de;q=0", "en"),
        ("de;q=0, fr;q=0.1", "fr"),
        ("de;q=0.5, fr;q=0.5", "de"),
        ("zh-Hant-TW , ar ; q=0.4", "ar"),
        ("de;q=2, fr", "fr"),
        ("de;level=1, fr", "fr"),
        (";;;,,q=1", "en"),
        ("xx," * 60 + "de", "en"),
    ],
)
def test_preferred_language_of_a_header_is_the_best_accepted_language(header: str | None, language: str) -> None:
    assert preferred_language(header, AVAILABLE) == language


@given(st.text(max_size=300))
def test_preferred_language_of_any_header_is_available(header: str) -> None:
    assert preferred_language(header, AVAILABLE) in AVAILABLE
