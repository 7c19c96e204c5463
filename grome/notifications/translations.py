"""The texts of every message in every language, as they stand in `texts/*.toml`."""

from importlib.resources import files
from typing import Final, get_args

import msgspec
from msgspec import Struct

from grome.common.languages import Language


class SharedTexts(Struct, frozen=True, forbid_unknown_fields=True):
    """What messages share. `clock`, `clock_range`, `moment` and `in_zone` say how times stand in a sentence, `line` how
    a row of the table stands in plain text.
    """

    greeting: str
    date: str
    time: str
    previous: str
    current: str
    proposed: str
    held_until: str
    discount: str
    total: str
    tip: str
    fee: str
    refund: str
    due: str
    amount: str
    reason: str
    note: str
    stars: str
    review: str
    answer: str
    device: str
    code: str
    unknown_device: str
    line: str
    clock: str
    clock_range: str
    moment: str
    in_zone: str
    footer: str
    unsubscribe: str


class Reasons(Struct, frozen=True, forbid_unknown_fields=True):
    """What the reasons of a booking's end, or those of a proposal's, are called towards either side."""

    customer: dict[str, str]
    barber: dict[str, str]


class MessageText(Struct, frozen=True, forbid_unknown_fields=True):
    """One message; names in braces are filled in."""

    subject: str
    title: str
    short: str
    paragraphs: tuple[str, ...]
    button: str


class Translations(Struct, frozen=True, forbid_unknown_fields=True):
    """One language. A message stands under its kind, with `-customer`, `-code` and the like where it has variants."""

    words: SharedTexts
    reasons: Reasons
    proposals: Reasons
    messages: dict[str, MessageText]


def _read(language: str) -> Translations:
    return msgspec.toml.decode(
        files("grome.notifications").joinpath(f"texts/{language}.toml").read_bytes(), type=Translations
    )


TRANSLATIONS: Final[dict[Language, Translations]] = {language: _read(language) for language in get_args(Language)}
