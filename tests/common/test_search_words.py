"""Tests of the words by which texts are found."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grome.common.search_words import MAX_FINDABLE, count_words, findable_words, words


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
        ("हिन्दी", ["हिन्दी"]),
        ("Bar\u00adberia Bar\u2060bon ze\u200bro", ["barberia", "barbon", "zero"]),
        ("\u0645\u062d\u0640\u0640\u0645\u062f", ["\u0645\u062d\u0645\u062f"]),  # a name, stretched by tatweel
        ("שָׁלוֹם مُحَمَّد Й", ["שלום", "محمد", "и"]),
        ("미용실", [unicodedata.normalize("NFD", "미용실")]),
        ("髪", ["髪"]),
        ("散髪屋", ["散髪", "髪屋"]),
        ("カット、シャンプー", ["カッ", "ット", "シャ", "ャン", "ンプ", "プー"]),
        ("ガガーカ", ["ガガ", "ガー", "ーカ"]),
        ("ｶﾞﾗｽ", ["ガラ", "ラス"]),
        ("ตัดผม", ["ตัด", "ดผ", "ผม"]),
        ("កាត់សក់", ["កាត់", "ត់ស", "សក់"]),
        ("Salon東京2号店", ["salon", "東京", "2", "号店"]),
    ],
)
def test_words_of_a_text_are_normalised(text: str, plain: list[str]) -> None:
    assert words(text) == plain


def test_findable_words_include_the_parts_around_an_apostrophe() -> None:
    assert findable_words("Joe's O'Neill", "Cut") == ["cut", "joe", "joes", "neill", "o", "oneill", "s"]


def test_findable_words_of_text_without_spaces_are_character_pairs() -> None:
    assert findable_words("東京散髪屋") == sorted(["東京", "京散", "散髪", "髪屋", "屋"])


@pytest.mark.parametrize(
    ("name", "sought"),
    [
        ("東京散髪屋", "散髪屋"),
        ("東京散髪屋", "京散髪"),
        ("ヘアカット", "カット"),
        ("ヘアカット", "ト"),
        ("ร้านตัดผมชาย", "ตัดผม"),
        ("ร้านตัดผมชาย", "ชาย"),
        ("ຮ້ານຕັດຜົມ", "ຕັດຜົມ"),
        ("ဆံပင်ညှပ်", "ညှပ်"),
        ("北京剪发", "剪"),
    ],
)
def test_search_for_part_of_a_text_without_spaces_finds_it(name: str, sought: str) -> None:
    found = findable_words(name)
    assert all(any(one.startswith(term) for one in found) for term in words(sought))


@pytest.mark.parametrize(("name", "sought"), [("カット", "ガット"), ("東京", "京東"), ("हिंदी", "हदी"), ("ตัด", "ตด")])
def test_search_for_another_word_finds_nothing(name: str, sought: str) -> None:
    found = findable_words(name)
    assert not all(any(one.startswith(term) for one in found) for term in words(sought))


def test_count_words_counts_each_distinct_word_once() -> None:
    assert count_words("東京散髪屋 ヘアカット cut CUT O'Neill") == 4
    assert count_words(" -&'🪒 ") == 0


def test_findable_words_beyond_the_limit_keep_the_first_texts() -> None:
    many = " ".join(f"word{number}" for number in range(3 * MAX_FINDABLE))
    found = findable_words("first", many)
    assert len(found) == MAX_FINDABLE
    assert "first" in found


MIXED = st.text(st.sampled_from("ab ガカ゛ト東京ตัดิमि\u200b\u00adー2é\u0301'"))


@given(st.one_of(st.text(), MIXED))
def test_words_of_any_text_are_findable_and_stable(text: str) -> None:
    assert set(words(text)) <= set(findable_words(text))
    assert words(" ".join(words(text))) == words(text)


@given(st.text(st.characters(max_codepoint=0x24F)))
def test_words_of_a_text_ignore_case(text: str) -> None:
    assert words(text.upper()) == words(text.lower()) == words(text)
