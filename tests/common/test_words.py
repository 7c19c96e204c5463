"""What texts are found by."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grome.common.words import findable_words, words


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("", []),
        (" -&'🪒 ", []),
        ("Hot towel shave", ["hot", "towel", "shave"]),
        ("cut, CUT & Cut", ["cut"]),
        ("José Ärmel", ["jose", "armel"]),
        ("Jose\u0301 A\u0308rmel", ["jose", "armel"]),
        ("Straße STRAẞE", ["strasse"]),
        ("Łódź Smørrebrød", ["lodz", "smorrebrod"]),
        ("İstanbul Işık", ["istanbul", "isik"]),  # noqa: RUF001
        ("Œuvre ﬁne", ["oeuvre", "fine"]),
        ("O'Neill O\u2019Neill", ["oneill"]),
        ("No. 4, 2nd", ["no", "4", "2nd"]),
        ("Κουρεῖο ΚΟΥΡΕΙΟ", ["κουρειο"]),  # noqa: RUF001
        ("カット、シャンプー", ["カット", "シャンフー"]),
        ("हिन्दी", ["हिनदी"]),
    ],
)
def test_words(text: str, plain: list[str]) -> None:
    assert words(text) == plain


def test_findable_words_are_those_around_an_apostrophe_too() -> None:
    assert findable_words("Joe's O'Neill", "Cut") == ["cut", "joe", "joes", "neill", "o", "oneill", "s"]


@given(st.text())
def test_a_text_is_found_by_its_words_and_they_are_plain(text: str) -> None:
    assert set(words(text)) <= set(findable_words(text))
    assert words(" ".join(words(text))) == words(text)


@given(st.text(st.characters(max_codepoint=0x24F)))
def test_case_does_not_matter(text: str) -> None:
    assert words(text.upper()) == words(text.lower()) == words(text)
