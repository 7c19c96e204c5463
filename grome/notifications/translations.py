"""Load the texts of every message in every language from `grome/texts`."""

from typing import Final

from msgspec import Struct

from grome.common.languages import Texts


class SharedTexts(Struct, frozen=True, forbid_unknown_fields=True):
    """Holds the texts that all messages share.

    `clock`, `clock_range`, `moment` and `in_zone` format times in a sentence, `line` a table row in plain text.
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
    deposit: str
    visit: str
    pay_by: str
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
    """Holds the texts of the reasons of a cancellation or of a proposal's outcome, as told to either side."""

    customer: dict[str, str]
    barber: dict[str, str]


class MessageText(Struct, frozen=True, forbid_unknown_fields=True):
    """Holds the texts of one message; names in braces are filled in."""

    subject: str
    title: str
    short: str
    paragraphs: tuple[str, ...]
    button: str


class Translations(Struct, frozen=True, forbid_unknown_fields=True):
    """Holds the texts of one language.

    A message has its kind as key, with a suffix such as `-customer` if it has variants.
    """

    words: SharedTexts
    reasons: Reasons
    proposals: Reasons
    messages: dict[str, MessageText]


TRANSLATIONS: Final = Texts("messages", Translations)
