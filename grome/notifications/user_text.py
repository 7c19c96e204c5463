"""Clean user text for messages: one line, without links and without changes of direction."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

# Whitespace and control characters, which could begin a header, a line or a paragraph inside a name.
_GAPS: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
# Embeddings, overrides and isolates without an end would reach beyond the name; lone surrogates cannot be encoded.
_UNSAFE: Final = re.compile("[\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
# Mail programs make links of text that resembles a domain. No parser of domains ignores a space after the dot.
_DOTS: Final = re.compile(r"(?<=\w)([.\u2024\uff0e])(?=[^\W\d_])|(?<=[A-Za-z0-9])([\u3002\uff61])(?=[A-Za-z0-9])")
_ELLIPSIS: Final = "…"
_JOINER: Final = "\u200d"


@dataclass(frozen=True, slots=True)
class UserText:
    """Holds a line that is isolated from the text direction around it: by control characters, in HTML by `<bdi>`.

    Plain text needs no control characters if the line and the text around it both run left to right.
    """

    text: str
    isolated: bool

    def __str__(self) -> str:
        return f"\u2068{self.text}\u2069" if self.isolated else self.text

    def __html__(self) -> Markup:
        return Markup("<bdi>{}</bdi>").format(self.text)

    def shortened(self, length: int) -> "UserText":
        """Cut to at most `length` characters including an ellipsis, without splitting a combined character."""
        if len(self.text) <= length:
            return self
        end = length - len(_ELLIPSIS)
        while end and (_is_combining(self.text[end]) or self.text[end - 1] == _JOINER):
            end -= 1
        return UserText(self.text[:end].rstrip() + _ELLIPSIS, self.isolated)


def clean_user_text(text: str, *, rtl: bool) -> UserText:
    """Clean a text. `rtl` is true if the text around it runs right to left."""
    line = _GAPS.sub(" ", _UNSAFE.sub("", text)).strip()
    line = _DOTS.sub(lambda dot: f"{dot[0]} ", line).replace("://", ": //")
    return UserText(line or _ELLIPSIS, rtl or any(unicodedata.bidirectional(letter) in {"R", "AL"} for letter in line))


def _is_combining(letter: str) -> bool:
    return letter == _JOINER or unicodedata.category(letter) in {"Mn", "Me", "Mc", "Sk"}
