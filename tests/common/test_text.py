"""How texts of people are normalised, and which are refused."""

import unicodedata
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, Meta, Struct, UnsetType, field

from grome.common.characters import has_visible_character
from grome.common.email_addresses import ascii_domain, email_forms, normalize_email
from grome.common.errors import Invalid
from grome.common.phone_numbers import normalize_phone, phone_forms
from grome.common.text import (
    NAME,
    NOTE,
    OPTIONAL_NAME,
    SEARCH,
    normalize_name,
    normalize_note,
    normalize_password,
    normalize_search,
)
from grome.common.text_fields import normalize_texts


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("Ada", "Ada"),
        ("  Ada \u3000", "Ada"),
        ("Jose\u0301", "Jos\u00e9"),
        ("Bar\u00adberia", "Bar\u00adberia"),
        ("\u0646\u0627\u0645\u200c\u0647\u0627", "\u0646\u0627\u0645\u200c\u0647\u0627"),
        ("\U0001f468\u200d\U0001f469", "\U0001f468\u200d\U0001f469"),
        ("\u2068Kim\u2069 \u202egnp.exe", "Kim gnp.exe"),
        ("\u0e01\u0e34", "\u0e01\u0e34"),
        ("4", "4"),
        ("\U0001fae8", "\U0001fae8"),  # newer than the Unicode of some Pythons
    ],
)
def test_name_is_normalised(typed: str, name: str) -> None:
    assert normalize_name(typed) == name


INVISIBLE = (
    *(
        "\u200b",
        "\u00ad\u2060",
        " \u00a0\u3000",
        "\u0301\u0308",
        "\u3164",
        "\u115f\u1160",
        "\ufeff",
        "\u2800",
        "\ufe0f",
    ),
    *("\u202e\u202c", "\U000e0041\U000e007f", "\u200e\u200f\u061c", "\u20dd", "\u17b4", "\u180e"),
)


@pytest.mark.parametrize("typed", INVISIBLE)
def test_name_without_a_visible_character_is_refused(typed: str) -> None:
    assert not has_visible_character(typed)
    with pytest.raises(ValueError, match="no visible character"):
        normalize_name(typed)
    assert normalize_note(typed) == ""


@pytest.mark.parametrize("typed", ["A\nB", "A\tB", "A\u2028B", "A\u0085B", "A\x9fB", "A\x00", "A\n", "A\x7f"])
def test_name_with_a_control_character_is_refused(typed: str) -> None:
    for normalize in (normalize_name, normalize_search):
        with pytest.raises(ValueError, match="control character"):
            normalize(typed)


def test_note_keeps_line_breaks_and_loses_direction_overrides() -> None:
    assert normalize_note(" Jose\u0301\n\tat\u2028two\u2029\u0085 ") == " Jos\u00e9\n\tat\ntwo\n\n "
    assert normalize_note("a\u202eb\u2066c") == "abc"
    for wrong in ("a\x00", "a\x9b", "a\x1b[2J"):
        with pytest.raises(ValueError, match="control character"):
            normalize_note(wrong)


@given(st.text())
def test_normalising_a_text_twice_changes_nothing(text: str) -> None:
    for normalize in (normalize_name, normalize_note, normalize_search, normalize_password):
        once = normal_or_none(normalize, text)
        assert once is None or normalize(once) == once
        assert once is None or unicodedata.is_normalized("NFC", once)


def normal_or_none(normalize: Callable[[str], str], text: str) -> str | None:
    try:
        return normalize(text)
    except ValueError:
        return None


def test_password_has_one_normal_form_of_letters_and_spaces() -> None:
    assert normalize_password("gru\u0308ne\u00a0t\u3000r") == "gr\u00fcne t r"
    assert normalize_password(" A\x00b\ufb01 ") == " A\x00b\ufb01 "


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("Ada@Example.COM", "ada@example.com"),
        ("JOSE\u0301@example.com", "jos\u00e9@example.com"),
        ("a@M\u00dcLLER.example", "a@m\u00fcller.example"),
        ("a@mu\u0308ller.example", "a@m\u00fcller.example"),
        ("a@XN--mller-kva.example", "a@m\u00fcller.example"),
        ("a@stra\u00dfe.example", "a@stra\u00dfe.example"),
        ("stra\u00dfe@strasse.example", "stra\u00dfe@strasse.example"),
        ("\u65e5\u672c@\u4f8b\u3048.\u30c6\u30b9\u30c8", "\u65e5\u672c@\u4f8b\u3048.\u30c6\u30b9\u30c8"),
    ],
)
def test_email_has_one_normal_form(typed: str, normal: str) -> None:
    assert normalize_email(typed) == normal
    assert normalize_email(normal) == normal
    assert set(email_forms(typed)) == {typed.lower(), normal}


@pytest.mark.parametrize(
    "wrong",
    [
        *("a\u200bb@example.com", "a\u00adb@example.com", "a@exam\u2060ple.com", "a\u3000b@example.com"),
        *("a@\U0001f488.example", "a@xn--a.example", f"a@{'b' * 64}.example", "\u00fc" * 33 + "@example.com"),
        *(f"{'a' * 60}@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * 20}", "a@" + "\u00fc" * 62 + ".example"),
        *("a@my_host.example", "a..b@example.com", '"a b"@example.com', "a@[127.0.0.1]", "a@example.local"),
    ],
)
def test_email_with_an_undeliverable_address_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match=r"has a|longer|can be sent"):
        normalize_email(wrong)
    assert email_forms(wrong) == [wrong.lower()]


def test_domain_is_converted_to_its_a_label() -> None:
    assert ascii_domain("stra\u00dfe.example") == "xn--strae-oqa.example"
    assert ascii_domain("Strasse.example") == "strasse.example"
    with pytest.raises(ValueError, match="empty part"):
        ascii_domain("a..example")


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("+49015123456789", "+4915123456789"),
        ("+4915123456789", "+4915123456789"),
        ("+4401234567890", "+441234567890"),
        ("+49 (0)151 / 2345-6789", "+4915123456789"),
        ("+390612345678", "+390612345678"),  # in Italy the 0 is part of the number
        ("+19990000001", "+19990000001"),
    ],
)
def test_phone_has_one_normal_form(typed: str, normal: str) -> None:
    assert normalize_phone(typed) == normal
    assert phone_forms(typed) == list(dict.fromkeys((typed, normal)))


@pytest.mark.parametrize("wrong", ["+99912345678", "+1202555", "+12530000", "+4412345678901234"])
def test_impossible_phone_number_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="not a phone number"):
        normalize_phone(wrong)
    assert phone_forms(wrong) == [wrong]


Name = Annotated[str, Meta(min_length=1, max_length=4), NAME]


class Part(Struct, frozen=True):
    title: Name
    words: Annotated[str, SEARCH] = ""


class Whole(Struct, frozen=True, kw_only=True):
    name: Name = field(default="A", name="Name")
    note: Annotated[str, Meta(max_length=6), NOTE] | None = None
    needed: Annotated[str, Meta(min_length=1), NOTE] | UnsetType = UNSET
    place: Annotated[str, OPTIONAL_NAME] = ""
    parts: Annotated[list[Part], Meta(max_length=3)] = []
    pair: tuple[Name, ...] = ()
    table: dict[str, Part] = {}
    one: Part | None = None
    number: int | None = None
    plain: str = ""


def test_text_fields_at_every_depth_are_normalised() -> None:
    given_ = {
        "Name": " e\u0301 ",
        "note": "e\u0301",
        "parts": [{"title": "e\u0301"}, {"title": "b"}],
        "pair": ["e\u0301"],
        "table": {"e\u0301": {"title": "e\u0301"}},
        "one": {"title": "e\u0301", "words": "e\u0301"},
        "number": 7,
        "plain": "e\u0301",
    }
    accent = "\u00e9"
    assert normalize_texts(msgspec.convert(given_, Whole)) == Whole(
        name=accent,
        note=accent,
        parts=[Part(accent), Part("b")],
        pair=(accent,),
        table={"e\u0301": Part(accent)},
        one=Part(accent, accent),
        number=7,
        plain="e\u0301",
    )


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"Name": "\u200b"}, "Name"),
        ({"needed": "\u200b"}, "needed"),
        ({"place": " "}, "place"),
        ({"parts": [{"title": "a"}, {"title": "\u0301"}]}, "parts[1].title"),
        ({"pair": ["a", "\u3164"]}, "pair[1]"),
        ({"table": {"a": {"title": " "}}}, "table.a.title"),
        ({"one": {"title": "a", "words": "\u0085"}}, "one.words"),
        # Composed, this letter is two, and longer than may be.
        ({"Name": "\u0958\u0958\u0958"}, "Name"),
        ({"note": "\u0958\u0958\u0958\u0958"}, "note"),
    ],
)
def test_invalid_text_field_is_refused_with_its_path(wrong: dict[str, Any], path: str) -> None:
    with pytest.raises(Invalid) as refused:
        normalize_texts(msgspec.convert(wrong, Whole))
    assert [field_ for field_, _ in refused.value.faults] == [path]


def test_optional_text_field_may_be_empty() -> None:
    assert normalize_texts(Whole(note="\u200b")) == Whole(note="")
    assert normalize_texts(Whole(place="", note=None)) == Whole()
