"""Words as a person at a search box takes them: without case, accents and punctuation."""

import unicodedata
from typing import Final

_APOSTROPHES: Final = list(map(ord, "'\u2019\u02bc"))
_WITHIN: Final = dict.fromkeys(_APOSTROPHES)
_BETWEEN: Final = dict.fromkeys(_APOSTROPHES, " ")
# Letters that Unicode does not take apart, and that people elsewhere type plain; U+0131 is the i without a dot.
_PLAIN: Final = str.maketrans({"ø": "o", "đ": "d", "ł": "l", "\u0131": "i", "æ": "ae", "œ": "oe"})


def words(text: str) -> list[str]:
    """Each once, in the order of the text. An apostrophe parts nothing: `O'Neill` is one word, `oneill`."""
    return list(dict.fromkeys(_split(_folded(text).translate(_WITHIN))))


def findable_words(*texts: str) -> list[str]:
    """All that texts are found by, sorted: what stands around an apostrophe is found by itself too."""
    folded = _folded("\n".join(texts))
    return sorted({*_split(folded.translate(_WITHIN)), *_split(folded.translate(_BETWEEN))})


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold()).translate(_PLAIN)


def _split(folded: str) -> list[str]:
    """Runs of letters and digits. Marks that stand on a letter go, those that follow it stay."""
    return "".join(_part(character) for character in folded).split()


def _part(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Mn":
        return ""
    return character if character.isalnum() or category == "Mc" else " "
