"""Characters that nobody sees."""

import re
import unicodedata
from typing import Final

# Default_Ignorable_Code_Point of Unicode 16: a program that has no use for such a character shows nothing.
IGNORABLE: Final = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_IGNORABLE: Final = re.compile(f"[{IGNORABLE}]")
_BLANK_PATTERN: Final = "\u2800"  # braille without dots, a symbol that looks like a space


def has_visible_character(text: str) -> bool:
    """Whether anything of a text can be seen: a letter, digit, sign or symbol, and not only marks and spaces.

    Characters that are unassigned in this Python's Unicode count as visible: they may be new letters or emoji.
    """
    left = _IGNORABLE.sub("", text).replace(_BLANK_PATTERN, "")
    return any(_is_visible(unicodedata.category(letter)) for letter in left)


def _is_visible(category: str) -> bool:
    return category[0] in "LNPS" or category in {"Cn", "Co"}
