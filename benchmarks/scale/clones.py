"""Copies of stored documents under other ids and at later times, which let files grow as real documents do."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from random import Random
from typing import Any, Final
from uuid import UUID

_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
# Ids of Stripe, mail addresses, tokens and numbers of phones: a copy with the same value would break a unique index.
_UNIQUE_TEXT: Final = re.compile(r"(?<=_)[A-Za-z0-9]{12,}|[^@\s]+(?=@)|\b[0-9a-f]{20,}\b|(?<=\+)\d{6,}")
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
_TIME_BITS: Final = 80
_RANDOM_BITS: Final = 62
_VERSION_WITH_TIME: Final = 7
# Numbers without gaps over a whole collection.
_NUMBERS: Final = frozenset({"seq", "number"})

Document = Mapping[str, Any]


class Cloner:
    """Copies documents. Ids that were equal stay equal within a copy; `collection_size` shifts its numbers.

    Copy 1, 2, … begins one, two, … times `span` later, as its ids with a time do.
    """

    def __init__(self, number: int, span: timedelta, collection_size: int) -> None:
        self._number, self._shift = number, number * span
        self._milliseconds = int(self._shift.total_seconds() * 1000)
        self._offset = number * collection_size
        self._mask = Random(number).getrandbits(_RANDOM_BITS)  # noqa: S311 -- reproducible on purpose

    def copy(self, document: Document) -> dict[str, Any]:
        return {name: self._copied(name, value, is_top=True) for name, value in document.items()}

    def _copied(self, name: str, value: Any, *, is_top: bool = False) -> Any:  # noqa: ANN401, PLR0911 -- BSON
        match value:
            case UUID():
                return self._id(value)
            case datetime():
                return value + self._shift
            case bytes():
                return Random(sha256(value).digest() + self._number.to_bytes(4)).randbytes(len(value))  # noqa: S311
            case str():
                return self._text(value)
            case bool():
                return value
            case int() if is_top and name in _NUMBERS:
                return value + self._offset
            case dict():
                return {key: self._copied(key, part) for key, part in value.items()}
            case list():
                return [self._copied(name, part) for part in value]
            case _:
                return value

    def _id(self, value: UUID) -> UUID:
        number = value.int ^ self._mask
        if value.version == _VERSION_WITH_TIME:
            number += self._milliseconds << _TIME_BITS
        return UUID(int=number)

    def _text(self, value: str) -> str:
        if found := _UUID.search(value):
            before, after = value[: found.start()], value[found.end() :]
            return f"{before}{self._id(UUID(found[0]))}{self._text(after)}"
        return _UNIQUE_TEXT.sub(self._other_text, value)

    def _other_text(self, found: re.Match[str]) -> str:
        dice = Random(f"{self._number} {found[0]}")  # noqa: S311 -- reproducible on purpose
        letters = "0123456789abcdef" if not set(found[0]) - set("0123456789abcdef") else _LETTERS
        letters = "0123456789" if found[0].isdecimal() else letters
        return "".join(dice.choices(letters, k=len(found[0])))


def copies(documents: Iterable[Document], count: int, span: timedelta) -> Iterator[dict[str, Any]]:
    """Yield so many copies of all documents, copy after copy, in their order.

    A document with an id that is nobody's, such as the total of an account, is copied once.
    """
    originals = list(documents)
    for number in range(count):
        cloner = Cloner(number, span, len(originals))
        for document in originals:
            copy = cloner.copy(document)
            if number == 0 or copy["_id"] != document["_id"]:
                yield copy
