"""Represent a set of ticks within a span as the bits of an integer.

Bit n stands for the n-th tick of the span.
One integer operation decides about all starts of a month at once, and costs no more than plain arithmetic for a single
start.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache

from grome.scheduling.ticks import Span


def mask_of(wanted: Span, within: Span) -> int:
    """Return the ticks of `wanted` that lie within `within`."""
    begin, end = wanted
    first, last = within
    # Comparisons instead of `max` and `min`: called for each rule and opening, `max` would double the run time.
    begin = begin if begin > first else first  # noqa: FURB136
    end = end if end < last else last  # noqa: FURB136
    return (1 << end - begin) - 1 << begin - first if begin < end else 0


def every_nth(span: Span, step: int, within: Span) -> int:
    """Return the first tick of `span` and every `step`-th tick after it, as far as they lie within `within`."""
    begin = max(span.start, within.start)
    first = begin + (span.start - begin) % step
    count = len(range(first, min(span.end, within.end), step))
    return _every_nth_from_zero(step, count) << first - within.start if count else 0


def dilate_left(mask: int, width: int) -> int:
    """Add the `width - 1` ticks before each tick: the starts from which `width` ticks would touch the set."""
    reached = 1
    while reached < width:
        shift = min(reached, width - reached)
        mask |= mask >> shift
        reached += shift
    return mask


def iter_ticks(mask: int, within: Span) -> Iterator[int]:
    """Iterate the ticks of the set in ascending order."""
    bits = bin(mask)[:1:-1]  # reversed, so that bit n stands at index n; without the prefix 0b
    place = bits.find("1")
    while place >= 0:
        yield within.start + place
        place = bits.find("1", place + 1)


def mask_from_ticks(ticks: Iterable[int], within: Span) -> int:
    """Build the set from ticks in any order. All ticks must lie within the span."""
    digits, last = bytearray(b"0") * (within.end - within.start), within.end - 1
    for tick in ticks:
        digits[last - tick] = 49  # "1"
    return int(digits, 2)


@lru_cache(maxsize=1024)
def _every_nth_from_zero(step: int, count: int) -> int:
    return ((1 << step * count) - 1) // ((1 << step) - 1)
