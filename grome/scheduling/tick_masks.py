"""Sets of ticks as the bits of one integer: bit n is the n-th tick of the span that the set lies within.

An operation on such integers is one on all starts of a month at once, and one on a single start costs no more than the
arithmetic that would decide it.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache

from grome.scheduling.ticks import Span


def mask_of(wanted: Span, within: Span) -> int:
    """Those of a span that lie within another."""
    begin, end = wanted
    first, last = within
    # Comparisons, for this is called for each rule and opening, and `max` takes as long as all the rest.
    begin = begin if begin > first else first  # noqa: FURB136
    end = end if end < last else last  # noqa: FURB136
    return (1 << end - begin) - 1 << begin - first if begin < end else 0


def every_nth(teeth: Span, step: int, within: Span) -> int:
    """The first tick of `teeth` and every `step`-th after it, as far as they lie within a span."""
    begin = max(teeth.start, within.start)
    first = begin + (teeth.start - begin) % step
    count = len(range(first, min(teeth.end, within.end), step))
    return _every_nth_from_zero(step, count) << first - within.start if count else 0


def dilate_left(mask: int, width: int) -> int:
    """With each tick the `width - 1` before it: from where `width` ticks would reach one of the set."""
    reached = 1
    while reached < width:
        shift = min(reached, width - reached)
        mask |= mask >> shift
        reached += shift
    return mask


def iter_ticks(mask: int, within: Span) -> Iterator[int]:
    """In order."""
    bits = bin(mask)[:1:-1]  # bit n at n; the b of the prefix is left out
    place = bits.find("1")
    while place >= 0:
        yield within.start + place
        place = bits.find("1", place + 1)


def mask_from_ticks(ticks: Iterable[int], within: Span) -> int:
    """The set of ticks that are given in any order; all lie within the span."""
    digits, last = bytearray(b"0") * (within.end - within.start), within.end - 1
    for tick in ticks:
        digits[last - tick] = 49  # "1"
    return int(digits, 2)


@lru_cache(maxsize=1024)
def _every_nth_from_zero(step: int, count: int) -> int:
    return ((1 << step * count) - 1) // ((1 << step) - 1)
