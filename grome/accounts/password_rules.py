"""Refuse passwords that are easy to guess or known from breaches."""

from collections.abc import Iterable
from functools import cache
from typing import Any, Final, Protocol

from grome.accounts.bounded_threads import BoundedThreads
from grome.common.errors import Invalid
from grome.common.text import normalize_password

_MIN_SCORE: Final = 3  # of 4: more than 10^8 guesses
_OUR_WORDS: Final = ("grome", "barber", "barbershop", "password")
# The estimate takes seconds for long texts of many look-alike symbols. So the rest of a long password is not needed to
# be strong, and symbols that stand for the same letter are judged as equal, which only makes the estimate stricter.
_JUDGED_LETTERS: Final = 40
_MERGED_SYMBOLS: Final = str.maketrans({"{": "(", "[": "(", "<": "(", "|": "!", "@": "4", "$": "5", "+": "7"})
_MAX_WORDS: Final = 10
_MAX_WORD_LETTERS: Final = 100


class BreachList(Protocol):
    async def has(self, password: str) -> bool:
        """Return whether the password is known from a breach."""


class PasswordRules:
    """Judges new passwords off the event loop, one at a time; a judgement takes some milliseconds of CPU."""

    def __init__(self, breaches: BreachList | None = None, *, max_pending: int) -> None:
        self._breaches = breaches
        self._threads = BoundedThreads("password-rules", 1, max_pending)

    async def require_strong(self, field: str, password: str, words: Iterable[str | None]) -> None:
        """Raise Invalid for `field` if the password is easy to guess, also from `words` of its owner.

        Raises Unavailable if too many passwords are being judged.
        """
        normal = normalize_password(password)
        if await self._threads.run(_score, normal, _context_words(words)) < _MIN_SCORE:
            raise Invalid(field, "is too easy to guess; use more words, and not your name or address")
        if self._breaches and await self._breaches.has(normal):
            raise Invalid(field, "is known from a data breach of another service")

    def close(self) -> None:
        self._threads.close()


def _context_words(words: Iterable[str | None]) -> list[str]:
    given = [word[:_MAX_WORD_LETTERS].lower() for word in words if word]
    parts = [part for word in given for part in word.replace("@", " ").replace(".", " ").replace("-", " ").split()]
    return [*_OUR_WORDS, *dict.fromkeys([*given, *parts][:_MAX_WORDS])]


def _score(password: str, words: list[str]) -> int:
    judged = password[:_JUDGED_LETTERS].translate(_MERGED_SYMBOLS)
    score: int = _estimator()(judged, user_inputs=words)["score"]
    return score


@cache
def _estimator() -> Any:  # noqa: ANN401 -- the package has no types
    """Import the estimator at its first use: its word lists take 15 MB, and job workers never need them."""
    from zxcvbn import zxcvbn  # noqa: PLC0415 -- see above

    return zxcvbn
