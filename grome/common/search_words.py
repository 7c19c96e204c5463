"""Split text into search words, without case, accents and punctuation.

Scripts that put no spaces between words (Chinese, Japanese, Thai, Lao, Khmer, Burmese) are searched by pairs of signs:
`散髪` is found in `東京散髪屋` because all pairs of `散髪` occur there. A sign is a letter with its marks.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import islice, pairwise
from typing import Annotated, Final

from msgspec import Meta

from grome.common.characters import IGNORABLE

# The most terms stored for one field of a document. Names and offers stay far below; long descriptions may not.
MAX_FINDABLE: Final = 2_000
FindableWords = Annotated[list[str], Meta(max_length=MAX_FINDABLE)]
# The most terms of one search: a longer text in signs is found by its beginning.
MAX_TERMS: Final = 20

_REMEMBERED: Final = 10_000  # characters, of which people use few
_TATWEEL: Final = "\u0640"  # stretches a line and means nothing
_UNSEEN: Final = re.compile(f"[{IGNORABLE}{_TATWEEL}]")
_APOSTROPHES: Final = list(map(ord, "'\u2019\u02bc"))
_WITHIN: Final[Mapping[int, str | None]] = dict.fromkeys(_APOSTROPHES)
_BETWEEN: Final[Mapping[int, str | None]] = dict.fromkeys(_APOSTROPHES, " ")
# Letters that Unicode does not take apart, and that people elsewhere type plain; U+0131 is the i without a dot.
_PLAIN: Final = str.maketrans({"ø": "o", "đ": "d", "ł": "l", "\u0131": "i", "æ": "ae", "œ": "oe"})
# Marks that people leave out when they type: accents, and the vowel points of Hebrew, Arabic and Syriac.
_POINTS: Final = ("COMBINING ", "HEBREW ", "ARABIC ", "SYRIAC ")
_VOICED: Final = "COMBINING KATAKANA-HIRAGANA "  # makes another letter, so that ガ is not カ
# Scripts without spaces: Thai, Lao, Burmese, Khmer, kana with Bopomofo and iteration marks, Han.
_UNSPACED: Final = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u19e0-\u19ff\ua9e0-\ua9ff\uaa60-\uaa7f\u3005-\u3007\u3040-\u312f\u31a0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U0001aff0-\U0001b16f\U00020000-\U0003ffff]"
)


def words(text: str) -> list[str]:
    """Return the distinct search terms of a text, in the order of the text: words, or pairs of signs.

    An apostrophe splits nothing: `O'Neill` is one word, `oneill`.
    """
    return list(dict.fromkeys(term for run in _runs(text, _WITHIN) for term in _query_word(run)))


def count_words(text: str) -> int:
    """Count the distinct words of a text as people do; a run of signs without a space is one word."""
    return len(set(_split(_folded(text).translate(_WITHIN))))


def findable_words(*texts: str) -> list[str]:
    """Return all search terms of the texts, sorted; the parts around an apostrophe are also terms.

    If the texts have more than MAX_FINDABLE terms, the terms of the first texts are kept.
    """
    whole = "\n".join(texts)
    found = (term for apostrophes in (_WITHIN, _BETWEEN) for run in _runs(whole, apostrophes) for term in _stored(run))
    return sorted(islice(dict.fromkeys(found), MAX_FINDABLE))


def sort_key(text: str) -> str:
    """Return the sort key of a text, without case and accents: `Äpfel` stands beside `Apfel`."""
    folded = _folded(text)
    return "".join(character for character in folded if unicodedata.category(character) != "Mn")


def _folded(text: str) -> str:
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold()).translate(_PLAIN)
    return _UNSEEN.sub("", folded)


def _runs(text: str, apostrophes: Mapping[int, str | None]) -> Iterator[str]:
    """Each word, cut where a script with spaces meets one without."""
    for word in _split(_folded(text).translate(apostrophes)):
        yield from _uniform(word)


def _split(folded: str) -> list[str]:
    """Runs of letters and digits. Marks that stand on a letter go, those that are part of it stay."""
    return "".join(_part(character) for character in folded).split()


@lru_cache(_REMEMBERED)
def _part(character: str) -> str:
    category = unicodedata.category(character)
    if category in {"Mn", "Me"}:
        name = unicodedata.name(character, "")
        return "" if name.startswith(_POINTS) and not name.startswith(_VOICED) else character
    return character if character.isalnum() or category == "Mc" else " "


def _uniform(word: str) -> Iterator[str]:
    start, unspaced = 0, _is_unspaced(word[0])
    for at, letter in enumerate(word):
        if not _is_mark(letter) and _is_unspaced(letter) != unspaced:
            if at > start:
                yield word[start:at]
            start, unspaced = at, not unspaced
    yield word[start:]


def _query_word(run: str) -> Iterable[str]:
    signs = _signs(run)
    return map("".join, pairwise(signs)) if len(signs) > 1 else signs


def _stored(run: str) -> Iterable[str]:
    """As sought, and the last sign alone, so that each single sign begins a stored word."""
    signs = _signs(run)
    return [*map("".join, pairwise(signs)), signs[-1]]


def _signs(run: str) -> list[str]:
    """A word of a script with spaces is one sign. Of others, each letter with its marks, as it is mostly typed."""
    if not _is_unspaced(run[0]):
        return [run]
    signs: list[str] = []
    for letter in unicodedata.normalize("NFC", run):
        if signs and _is_mark(letter):
            signs[-1] += letter
        else:
            signs.append(letter)
    return signs


def _is_unspaced(letter: str) -> bool:
    return _UNSPACED.match(letter) is not None


def _is_mark(letter: str) -> bool:
    return unicodedata.category(letter)[0] == "M"
