"""Test user text in messages: long, odd, right-to-left and malicious names."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grome.common.languages import LANGUAGES, Language
from grome.notifications.models import BookedItem, MessageKind, RenderedMessage
from grome.notifications.rendering import SHORT_MAX_CHARS, render
from grome.notifications.user_text import clean_user_text
from tests.builders.mail_page import MailPage
from tests.builders.messages import BOOKING, FACTS_BY_KIND, account_facts, booking_facts

FSI, PDI = "\u2068", "\u2069"
FAMILY = "\U0001f469\u200d\U0001f469\u200d\U0001f467"  # one sign of five characters
PIECES = [
    "<b>", "</td>", "&amp;", '"', "{name}", "{0}", "%s", "{{ x }}", "https://evil.example/x", "www.evil.example",
    "\r\nBcc: x", "\u2028", "\x85", "\u202e", "\u2066", "\u2069", "مرحبا", "שלום", "山田", FAMILY, "é", "e\u0301",
    "\ud800", "evil。com", " ", "=?utf-8?q?=0D=0ABcc:_x?=",
]  # fmt: skip
names = st.text(min_size=1, max_size=200) | st.lists(st.sampled_from(PIECES), min_size=1, max_size=30).map("".join)
languages = st.sampled_from(LANGUAGES)


def booking(kind: MessageKind, language: Language, name: str) -> RenderedMessage:
    typed_by_people = {"name": name, "other_name": name, "items": [BookedItem(name, 1)], "note": name, "reason": name}
    facts = booking_facts(**{**FACTS_BY_KIND.get(kind, {}), **typed_by_people})
    return render(kind, facts, language, "Asia/Tokyo")


@given(name=names, kind=st.sampled_from(BOOKING), language=languages)
def test_any_name_renders_safely(name: str, kind: MessageKind, language: Language) -> None:
    message, usual = booking(kind, language, name), booking(kind, language, "Sam")
    page, plain = MailPage(message.html), MailPage(usual.html)
    assert page.elements == plain.elements
    assert page.links == plain.links
    for line in (message.subject, message.title, message.short):
        assert len(line.splitlines()) == 1
        assert line.isprintable() or not re.search(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", line)
        assert line.count(FSI) == line.count(PDI)
    assert len(message.text.splitlines()) == len(usual.text.splitlines())
    assert len(message.short) <= SHORT_MAX_CHARS
    message.text.encode()
    message.html.encode()


@given(name=names, language=languages)
def test_long_device_name_keeps_the_message_short(name: str, language: Language) -> None:
    facts = account_facts(MessageKind.NEW_DEVICE, name=name, device=name)
    assert len(render(MessageKind.NEW_DEVICE, facts, language, "UTC").short) <= SHORT_MAX_CHARS


@given(name=names)
def test_cleaned_name_is_one_line_without_overrides(name: str) -> None:
    text = clean_user_text(name, rtl=False).text
    assert text
    assert text == " ".join(text.split())
    assert not any(unicodedata.bidirectional(letter) in {"LRE", "RLE", "LRO", "RLO", "PDF"} for letter in text)
    assert "://" not in text
    assert clean_user_text(text, rtl=False).text == text


@given(name=names, length=st.integers(2, 60))
def test_shortened_name_fits_without_split_characters(name: str, length: int) -> None:
    whole = clean_user_text(name, rtl=False)
    short = whole.shortened(length)
    assert len(short.text) <= length
    if short.text != whole.text:
        kept = short.text.removesuffix("…")
        assert whole.text.startswith(kept)
        assert not kept.endswith("\u200d")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Corner Barbers", "Corner Barbers"),
        ("J.R. Smith", "J. R. Smith"),
        ("https://evil.example/x", "https: //evil. example/x"),
        ("www.evil.example", "www. evil. example"),
        ("evil。com", "evil。 com"),
        ("よろしく。お願いします", "よろしく。お願いします"),
        ("No. 1.5", "No. 1.5"),
        ("two\r\nlines", "two lines"),
        ("a\u202eb", "ab"),
        (" \u202e ", "…"),
    ],
)
def test_names_are_cleaned(name: str, shown: str) -> None:
    assert clean_user_text(name, rtl=False).text == shown


def test_joined_emoji_are_not_split() -> None:
    assert clean_user_text(f"ab{FAMILY}", rtl=False).shortened(5).text == "ab…"
    assert clean_user_text("abe\u0301fgh", rtl=False).shortened(4).text == "ab…"


def test_names_are_isolated_from_the_text_direction() -> None:
    arabic = booking(MessageKind.BOOKING_REQUESTED, "ar", "Sam")
    assert f"{FSI}Sam{PDI}" in arabic.short
    assert f"{FSI}Sam{PDI}" in arabic.text
    assert "<bdi>Sam</bdi>" in arabic.html
    english = booking(MessageKind.BOOKING_REQUESTED, "en", "سامي")
    assert f"{FSI}سامي{PDI}" in english.short
    plain = booking(MessageKind.BOOKING_REQUESTED, "en", "Sam")
    assert FSI not in plain.short + plain.text + plain.subject


def test_long_names_are_cut_in_short_texts_only() -> None:
    name = "Maximiliane " * 8
    message = booking(MessageKind.BOOKING_DECLINED, "fr", name)
    assert name.strip() in MailPage(message.html).text
    assert name.strip() in message.text
    assert "…" in message.short
