"""Test that the texts of every language are complete and translated."""

import re
from string import Formatter
from typing import Any

import msgspec
import pytest

from grome.bookings.models import Reason
from grome.common.languages import LANGUAGES, Language
from grome.notifications.context_loader import PROPOSAL_OUTCOMES, UNPAID
from grome.notifications.models import MessageKind
from grome.notifications.translations import TRANSLATIONS
from tests.builders.messages import samples

ENGLISH = TRANSLATIONS["en"]
OTHERS = [language for language in LANGUAGES if language != "en"]
# Words that are the same in these languages, and what only says where a time or a value stands.
SAME = {
    "de": {"words.code"},
    "es": {"words.total"},
    "fr": {"words.date", "words.total", "words.code"},
}
ARRANGING = {"words.line", "words.clock", "words.clock_range", "words.moment", "words.in_zone"}
# Scripts in which no text is English by accident.
FOREIGN = {"ar": r"[\u0600-\u06ff]", "ja": r"[\u3040-\u30ff\u4e00-\u9fff]"}


def leaves(value: Any, path: str = "") -> dict[str, str]:
    """Yield every text with its path, such as `messages.welcome.paragraphs.0`."""
    if isinstance(value, str):
        return {path: value}
    items = value.items() if isinstance(value, dict) else enumerate(value)
    return {k: v for key, part in items for k, v in leaves(part, f"{path}.{key}".lstrip(".")).items()}


def texts(language: Language) -> dict[str, str]:
    return leaves(msgspec.to_builtins(TRANSLATIONS[language]))


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("language", OTHERS)
def test_languages_have_the_same_texts_and_placeholders(language: Language) -> None:
    english, other = texts("en"), texts(language)
    assert other.keys() == english.keys()
    assert {path: placeholders(text) for path, text in other.items()} == {
        path: placeholders(text) for path, text in english.items()
    }


@pytest.mark.parametrize("language", OTHERS)
def test_translations_are_not_english(language: Language) -> None:
    english = texts("en")
    same = {path for path, text in texts(language).items() if text == english[path]}
    assert same - ARRANGING == SAME.get(language, set())


@pytest.mark.parametrize("language", FOREIGN)
def test_texts_are_in_the_script_of_their_language(language: Language) -> None:
    """Latin words are the company's name and placeholders only."""
    for path, text in texts(language).items():
        if path not in ARRANGING:
            assert re.search(FOREIGN[language], text) or text == "{name} 様", path
        assert not re.search("[A-Za-z]", re.sub(r"\{\w+\}|Grome", "", text)), path


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_have_no_stray_spaces(language: Language) -> None:
    for path, text in texts(language).items():
        assert text == text.strip() != "", path
        assert "  " not in text, path
        assert "\n" not in text, path
        assert not re.search(r"[\u2066-\u2069\u202a-\u202e]", text), path


def test_every_kind_has_texts_and_every_text_is_used() -> None:
    used = set()
    for sample in samples():
        rendered = sample.render("en")
        used |= {name for name, text in ENGLISH.messages.items() if text.title == rendered.title}
        assert any(name.startswith(sample.kind) for name in used)
    assert used == set(ENGLISH.messages)
    assert {name.split("-")[0] for name in ENGLISH.messages} == set(MessageKind)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_booking_reason_has_texts_for_both_sides(language: Language) -> None:
    reasons, proposals = TRANSLATIONS[language].reasons, TRANSLATIONS[language].proposals
    assert set(reasons.customer) == set(reasons.barber) == {*Reason, UNPAID}
    assert set(proposals.customer) == set(proposals.barber) == set(PROPOSAL_OUTCOMES.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_subjects_differ_between_messages(language: Language) -> None:
    subjects = [text.subject for text in TRANSLATIONS[language].messages.values()]
    assert len(set(subjects)) == len(subjects)
