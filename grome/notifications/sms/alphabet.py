"""Fit text to the alphabet of text messages (GSM 03.38, today 3GPP TS 23.038) and count its messages.

A message holds 160 characters of this alphabet, or 70 of any other as UCS-2. One foreign character makes the whole text
UCS-2.
"""

import re
from typing import Final

_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED: Final = frozenset("\f^{}\\[~]|€")  # an escape goes before each
_SAME_LENGTH: Final = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u02bc\u00b4", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"'),
        **dict.fromkeys("\u2039\u203a", "'"),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
        **dict.fromkeys("\u00a0\u2002\u2003\u2007\u2009\u200a\u202f", " "),
        **dict.fromkeys("\u00b7\u2022", "-"),
        **dict.fromkeys("\u00ad\u200b\ufeff", ""),
    }
)
_LONGER: Final = str.maketrans({"\u2026": "...", "\u00d7": "x", "\u2116": "No."})
# Parts of dates that stay readable without their accent. Words and names keep theirs.
_PLAIN_WORDS: Final = {"sáb": "sab", "août": "aout"}
_WORD: Final = re.compile("|".join(rf"\b{word}\b" for word in _PLAIN_WORDS))
_LONE_SEPTETS, _PART_SEPTETS = 160, 153
_LONE_UNITS, _PART_UNITS = 70, 67


def sms_text(text: str) -> str:
    """Replace typographic quotes, dashes and spaces in `text` by plain characters; letters stay as they are.

    A replacement that is longer than its original is made only if the text then fits the alphabet.
    """
    plain = text.translate(_SAME_LENGTH)
    spelled = _WORD.sub(lambda word: _PLAIN_WORDS[word[0]], plain.translate(_LONGER))
    return spelled if is_gsm7(spelled) else plain


def is_gsm7(text: str) -> bool:
    return all(letter in _BASIC or letter in _EXTENDED for letter in text)


def sms_length(text: str) -> int:
    """Return the length in septets of the GSM alphabet, or in UTF-16 units if the text does not fit it."""
    if is_gsm7(text):
        return len(text) + sum(letter in _EXTENDED for letter in text)
    return len(text.encode("utf-16-be")) // 2


def segments(text: str) -> int:
    """Return the number of messages that `text` is billed as."""
    lone, part = (_LONE_SEPTETS, _PART_SEPTETS) if is_gsm7(text) else (_LONE_UNITS, _PART_UNITS)
    length = sms_length(text)
    return 1 if length <= lone else -(-length // part)
