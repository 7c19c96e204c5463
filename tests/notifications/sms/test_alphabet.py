"""Test the SMS alphabet and the number of messages that each text costs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grome.bookings.models import Settlement
from grome.common.languages import LANGUAGES, Language
from grome.notifications.channel_rules import RULES
from grome.notifications.models import Channel
from grome.notifications.sms.alphabet import is_gsm7, segments, sms_length, sms_text
from tests.builders.messages import samples

# The promise of docs/features/messages.md: the most messages that one text is sent as, by language.
MOST_SEGMENTS: dict[Language, int] = {"en": 1, "es": 1, "fr": 1, "de": 1, "ar": 3, "ja": 2}
LONG_NAME = "Friseursalon am Platz der Republik und der Freiheit, Inhaberin Annegret Müller"
CURRENCIES = ("EUR", "USD", "JPY")
TEXTED = [kind for kind, rule in RULES.items() if Channel.SMS in rule.channels]


def texts(language: Language, other_name: str, currency: str) -> list[str]:
    changed = {"other_name": other_name, "currency": currency, "settlement": Settlement(fee=230_000, refund=0, due=0)}
    found = [sample for sample in samples(**changed) if sample.kind in TEXTED]
    zones = ("Europe/Berlin", "Asia/Tokyo")  # where the reader is elsewhere, the text also tells the zone
    return [sms_text(sample.render(language, zone).short) for sample in found for zone in zones]


@pytest.mark.parametrize("currency", CURRENCIES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_cost_at_most_the_documented_segments(language: Language, currency: str) -> None:
    for name in ("Corner Barbers", LONG_NAME):
        for text in texts(language, name, currency):
            assert segments(text) <= MOST_SEGMENTS[language], text


@pytest.mark.parametrize("language", ["en", "es", "fr", "de"])
def test_texts_in_latin_letters_fit_the_alphabet(language: Language) -> None:
    for text in texts(language, "L’Atelier — Chez Paul…", "EUR"):
        assert is_gsm7(text), text


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("L’été, « oui » – “non” …", 'L\'été, " oui " - "non" ...'),
        ("14:30\u202fh\u00a0· 5\u00a0€", "14:30 h - 5 €"),
        ("sáb, 3 ene", "sab, 3 ene"),
        ("sam. 1 août", "sam. 1 aout"),
        ("J\u00adean\u200b", "Jean"),
        # Letters that the alphabet lacks stay, and then nothing is made longer.
        ("Zoë’s …", "Zoë's …"),
        ("sáb. con María", "sáb. con María"),
        ("Łukasz", "Łukasz"),
        ("予約（7月15日）", "予約（7月15日）"),
    ],
)
def test_typographic_characters_become_plain_and_letters_stay(text: str, sent: str) -> None:
    assert sms_text(text) == sent


@pytest.mark.parametrize(
    ("text", "length", "messages"),
    [
        ("a" * 160, 160, 1),
        ("a" * 161, 161, 2),
        ("a" * 306, 306, 2),
        ("a" * 307, 307, 3),
        ("€" * 80, 160, 1),
        ("€" * 80 + "a", 161, 2),
        ("é" * 160, 160, 1),
        ("ê" * 70, 70, 1),
        ("ê" * 71, 71, 2),
        ("ê" * 134, 134, 2),
        ("ê" * 135, 135, 3),
        ("😀" * 35, 70, 1),
        ("😀" * 36, 72, 2),
    ],
)
def test_segments_are_counted_as_billed(text: str, length: int, messages: int) -> None:
    assert (sms_length(text), segments(text)) == (length, messages)


@given(st.text(max_size=200))
def test_plain_text_never_costs_more_segments(text: str) -> None:
    assert segments(sms_text(text)) <= segments(text)
    assert sms_text(sms_text(text)) == sms_text(text)
