"""Find a free seat of a promo for a new use.

A limit of n uses allows the seats 0 to n - 1, and a unique index gives each seat to one use. If the limit changes,
earlier uses keep their seats. Therefore only the first seats are in play: as many as the limit leaves beside the uses
on all other seats. A seat that is given back is in play again.
"""

import asyncio
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from grome.common.clock import Clock
from grome.promos.models import Promo
from grome.promos.repository import PromoUseRepository

_SCAN_WINDOW: Final = 256  # seats that one query reads
# Far above every limit, and exact in BSON and JSON. Two uses of one promo seldom choose the same of these numbers.
_UNLIMITED_SLOTS: Final = range(2**31, 2**53)


# A process may die after it gave a use back and before it increments `given_back`.
_EXHAUSTED_TTL: Final = timedelta(seconds=10)
_MAX_EXHAUSTED: Final = 1_000


class _Exhausted(NamedTuple):
    """The state of a promo when all of its seats were found to be taken."""

    given_back: int
    most_uses: int | None
    until: datetime


class UseSlotFinder:
    """Finds free seats, and caches exhausted promos, so that a popular code does not cost a search each time."""

    def __init__(self, uses: PromoUseRepository, clock: Clock) -> None:
        self._uses, self._clock = uses, clock
        self._exhausted: dict[UUID, _Exhausted] = {}
        self._search_lock = asyncio.Lock()

    async def find_free(self, promo: Promo) -> int | None:
        """Return a random seat that was free a moment ago, so that concurrent claims seldom choose the same seat.

        Returns None if all seats are taken.
        """
        if promo.most_uses is None:
            return secrets.choice(_UNLIMITED_SLOTS)
        if self._is_exhausted(promo):
            return None
        in_play = await self._count_in_play(promo.id, promo.most_uses)
        first = secrets.randbelow(max(1, in_play))
        end = min(first + _SCAN_WINDOW, in_play)
        if free := set(range(first, end)) - await self._uses.taken_slots(promo.id, first, end):
            return secrets.choice(list(free))
        async with self._search_lock:  # one search in a process: waiting claims use its result
            return None if self._is_exhausted(promo) else await self._bisect(promo, in_play)

    def invalidate(self, promo_ids: Iterable[UUID]) -> None:
        """Drop promos from the cache, because uses were given back."""
        for promo_id in promo_ids:
            self._exhausted.pop(promo_id, None)

    def _is_exhausted(self, promo: Promo) -> bool:
        full = self._exhausted.get(promo.id)
        same = full and (full.given_back, full.most_uses) == (promo.given_back, promo.most_uses)
        return bool(full and same and self._clock() < full.until)

    async def _count_in_play(self, promo_id: UUID, limit: int) -> int:
        in_play = limit
        while (fitting := max(0, limit - await self._uses.count_slots(promo_id, in_play))) < in_play:
            in_play = fitting
        return in_play

    async def _bisect(self, promo: Promo, in_play: int) -> int | None:
        """Halve the range of seats until it is small and has a free seat.

        The queries count at most twice as many index keys as there are seats.
        """
        promo_id, first, end = promo.id, 0, in_play
        if await self._uses.count_slots(promo_id, first, end) == end - first:
            if len(self._exhausted) >= _MAX_EXHAUSTED:
                self._exhausted.clear()
            self._exhausted[promo_id] = _Exhausted(promo.given_back, promo.most_uses, self._clock() + _EXHAUSTED_TTL)
            return None
        while end - first > _SCAN_WINDOW:
            middle = (first + end) // 2
            half, other_half = secrets.choice([((first, middle), (middle, end)), ((middle, end), (first, middle))])
            has_free = await self._uses.count_slots(promo_id, *half) < half[1] - half[0]
            first, end = half if has_free else other_half
        free = set(range(first, end)) - await self._uses.taken_slots(promo_id, first, end)
        # If other claims took the last free seat meanwhile, any seat does: its insert fails, and the claim is retried.
        return secrets.choice(list(free)) if free else first
