"""The reader's language by the header `Accept-Language` (RFC 9110, section 12.5.4)."""

import re
from collections.abc import Sequence
from typing import Final, TypeVar

L = TypeVar("L", bound=str)
# Browsers send a few dozen ranges at most; the rest of a longer header is not read.
_RANGES_READ: Final = 50
_RANGE: Final = re.compile(
    r"\s*([a-z]{1,8}(?:-[a-z0-9]{1,8})*|\*)\s*(?:;\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*)?", re.ASCII
)


def preferred_language(header: str | None, available: Sequence[L]) -> L:
    """The language of `available` that the header ranks highest, its first where none is accepted.

    A range such as `de-AT` accepts `de`. Of ranges with equal weight the earlier one counts.
    """
    weights: dict[str, float] = {}
    for part in (header or "").lower().split(",", _RANGES_READ)[:_RANGES_READ]:
        if found := _RANGE.fullmatch(part):
            language = found[1].partition("-")[0]
            weights[language] = max(weights.get(language, 0), float(found[2] or 1))
    by_name: dict[str, L] = {language: language for language in available}
    accepted = [language for language, weight in weights.items() if weight > 0 and language in {*by_name, "*"}]
    best = max(accepted, key=lambda language: weights[language], default="*")
    return by_name.get(best, available[0])
