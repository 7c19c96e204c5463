"""Compute the ticks that a visit claims when it starts or ends, without I/O.

The current tick belongs to the visit in progress. A visit that ends releases the current tick at once; a walk-in or an
early start claims it. So the next customer need not wait for the end of the five minutes, and two visits never hold the
same tick.
"""

from collections.abc import Collection
from itertools import takewhile

from grome.bookings.models import Booking
from grome.bookings.proposals import present_ticks
from grome.infrastructure.mongo.client import Document
from grome.scheduling.daily_caps import is_seat
from grome.scheduling.ticks import tick_of


def early_start_ticks(booking: Booking, current: int) -> list[int]:
    """Return the ticks that the visit would claim if it started in the tick `current`, in order.

    Returns an empty list if the visit would not be early. The ticks are those of the agreed time moved to the earlier
    start, with gaps and buffers, without ticks in the past.
    """
    early = tick_of(booking.scheduled_at) - current
    if early <= 0:
        return []
    return sorted(tick - early for tick in present_ticks(booking) if tick - early >= current)


def fields_for_early_start(booking: Booking, wanted: list[int], taken: Collection[int]) -> Document:
    """Return the fields that claim `wanted` up to the first tick of another booking; `taken` are all occupied ticks.

    The agreed time stays claimed until the visit ends, because the start can be undone. `early_ticks` are the
    additional ticks.
    """
    own, others = set(present_ticks(booking)), set(taken).difference(booking.ticks)
    free = takewhile(lambda tick: tick not in others, wanted)
    claimed = [tick for tick in free if tick not in own]
    return {"ticks": [*present_ticks(booking), *claimed], "early_ticks": claimed}


def fields_for_end(booking: Booking, current: int) -> Document:
    """Return the fields of a visit that ends in the tick `current`.

    The visit keeps its past ticks, and its seats under daily caps. A seat counts while its booking holds a tick of the
    day, so a visit under a cap keeps the first tick of its agreed time. A visit that keeps no tick becomes inactive,
    because the unique index treats two empty lists as equal.
    """
    kept = [tick for tick in booking.ticks if tick < current]
    first = tick_of(booking.scheduled_at)
    if first >= current and any(map(is_seat, kept)):
        kept.append(first)
    return {"ticks": kept, "active": bool(kept)}
