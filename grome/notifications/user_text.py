"""What people have typed, made fit to stand in a message: one line, no link, nothing turned around."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

# White space and control characters of any kind, so that no header, line or paragraph begins inside a name.
_GAPS: Final = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
# Embeddings, overrides and isolates would reach beyond a name that opens but does not close them; lone halves of a
# surrogate pair cannot be encoded.
_UNSAFE: Final = re.compile("[\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
# Mail programs make links of what looks like an address. A space behind the dot is what no reading of domains ignores.
_DOTS: Final = re.compile(r"(?<=\w)([.\u2024\uff0e])(?=[^\W\d_])|(?<=[A-Za-z0-9])([\u3002\uff61])(?=[A-Za-z0-9])")
_ELLIPSIS: Final = "…"
_JOINER: Final = "\u200d"


@dataclass(frozen=True, slots=True)
class UserText:
    """One line, isolated from the direction of the text around it: by control characters, in HTML by `<bdi>`.

    Where the text runs left to right and so does this, plain text needs no control characters.
    """

    text: str
    isolated: bool

    def __str__(self) -> str:
        return f"\u2068{self.text}\u2069" if self.isolated else self.text

    def __html__(self) -> Markup:
        return Markup("<bdi>{}</bdi>").format(self.text)

    def shortened(self, length: int) -> "UserText":
        """At most `length` characters, an ellipsis included; what forms one sign with its neighbour goes with it."""
        if len(self.text) <= length:
            return self
        end = length - len(_ELLIPSIS)
        while end and (_is_combining(self.text[end]) or self.text[end - 1] == _JOINER):
            end -= 1
        return UserText(self.text[:end].rstrip() + _ELLIPSIS, self.isolated)


def clean_user_text(text: str, *, rtl: bool) -> UserText:
    """`rtl` says that the text around it runs right to left."""
    line = _GAPS.sub(" ", _UNSAFE.sub("", text)).strip()
    line = _DOTS.sub(lambda dot: f"{dot[0]} ", line).replace("://", ": //")
    return UserText(line or _ELLIPSIS, rtl or any(unicodedata.bidirectional(letter) in {"R", "AL"} for letter in line))


def _is_combining(letter: str) -> bool:
    return letter == _JOINER or unicodedata.category(letter) in {"Mn", "Me", "Mc", "Sk"}
