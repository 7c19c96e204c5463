"""Text that people type: normalised and judged by kind, wherever a Struct of input declares the kind.

`Annotated[str, Meta(max_length=80), NAME]` declares a field; `text_fields.py` applies the rules after decoding.
"""

import re
import unicodedata
from collections.abc import Callable
from enum import Enum
from typing import Final

from msgspec import Meta

from grome.common.characters import has_visible_character
from grome.common.email_addresses import normalize_email
from grome.common.field_faults import FAULT
from grome.common.phone_numbers import normalize_phone

# Python's `$` alone also matches before a final newline, which would make "EUR\n" a currency. In JSON Schema `$` is the
# end and nothing else, so the OpenAPI document has it without the lookahead, which many other engines refuse.
END: Final = r"$(?!\n)"
ONE_LINE: Final = r"^[^\x00-\x1f\x7f]+" + END
_ONE_LINE_OR_NOTHING: Final = r"^[^\x00-\x1f\x7f]*" + END
_LINES: Final = r"^[^\x00-\x08\x0b-\x1f\x7f]*$"

# Embeddings, overrides and isolates turn the text that follows around, beyond the end of the field.
_TURNS: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
_LINE_BREAKS: Final = re.compile("[\u0085\u2028\u2029]")
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_CONTROL_IN_NOTES: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class TextKind(Enum):
    """How a text is normalised and judged. `EMAIL` and `PHONE` are addresses, of which two spellings are one."""

    NAME = "one line that people can see: NFC, without outer spaces"
    NOTE = "lines: NFC; without any visible character it is empty"
    SEARCH = "words to look for: NFC"
    PASSWORD = "NFC with plain spaces, as RFC 8265 says"  # noqa: S105 -- the name of a kind
    EMAIL = "a mail address: see email_addresses.py"
    PHONE = "a phone number: see phone_numbers.py"


KIND: Final = "text"
NOT_ONE_LINE: Final = {FAULT: "has a control character or a line break"}
NAME: Final = Meta(pattern=ONE_LINE, extra={KIND: TextKind.NAME, **NOT_ONE_LINE})
OPTIONAL_NAME: Final = Meta(pattern=_ONE_LINE_OR_NOTHING, extra={KIND: TextKind.NAME, **NOT_ONE_LINE})
NOTE: Final = Meta(pattern=_LINES, extra={KIND: TextKind.NOTE, FAULT: "has a control character"})
SEARCH: Final = Meta(pattern=ONE_LINE, extra={KIND: TextKind.SEARCH, **NOT_ONE_LINE})
PASSWORD: Final = Meta(extra={KIND: TextKind.PASSWORD})
EMAIL: Final = Meta(extra={KIND: TextKind.EMAIL})
PHONE: Final = Meta(extra={KIND: TextKind.PHONE})


def normalize_name(text: str) -> str:
    """Normalise a name. Raises ValueError with a description of the fault, as all normalizers of this module do."""
    if _CONTROL.search(text):
        raise ValueError("has a control character or a line break")
    name = unicodedata.normalize("NFC", _TURNS.sub("", text)).strip()
    if text and not has_visible_character(name):
        raise ValueError("has no visible character")
    return name


def normalize_note(text: str) -> str:
    note = _LINE_BREAKS.sub("\n", text)
    if _CONTROL_IN_NOTES.search(note):
        raise ValueError("has a control character")
    note = unicodedata.normalize("NFC", _TURNS.sub("", note))
    return note if has_visible_character(note) else ""


def normalize_search(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("has a control character or a line break")
    return unicodedata.normalize("NFC", _TURNS.sub("", text))


def normalize_password(text: str) -> str:
    """The profile OpaqueString of RFC 8265: other systems type the same letters in another form."""
    spaced = "".join(" " if unicodedata.category(letter) == "Zs" else letter for letter in text)
    return unicodedata.normalize("NFC", spaced)


NORMALIZERS: Final[dict[TextKind, Callable[[str], str]]] = {
    TextKind.NAME: normalize_name,
    TextKind.NOTE: normalize_note,
    TextKind.SEARCH: normalize_search,
    TextKind.PASSWORD: normalize_password,
    TextKind.EMAIL: normalize_email,
    TextKind.PHONE: normalize_phone,
}
