"""Which seat of a promo a new use takes.

Seats are what unique indexes count: a limit of n leaves the seats 0 to n - 1, and of all who want the same seat one
gets it. Limits may change, and uses from before keep their seats. So there are so many seats in play that those, and
all uses on other seats, are no more than the limit together; a seat that is given back counts again.
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

_SCAN_WINDOW: Final = 256  # seats that are looked at in one go
# Far above every limit, and exact in BSON and JSON alike; two that choose the same number are two in billions.
_UNLIMITED_SLOTS: Final = range(2**31, 2**53)


# A process may die between giving a use back and telling of it in the promo.
_EXHAUSTED_TTL: Final = timedelta(seconds=10)
_MAX_EXHAUSTED: Final = 1_000


class _Exhausted(NamedTuple):
    """What the promo said when all of its seats were seen to be taken."""

    given_back: int
    most_uses: int | None
    until: datetime


class UseSlotFinder:
    """Remembers which promos are used up, so that a code which everybody tries costs no search each time."""

    def __init__(self, uses: PromoUseRepository, clock: Clock) -> None:
        self._uses, self._clock = uses, clock
        self._exhausted: dict[UUID, _Exhausted] = {}
        self._search_lock = asyncio.Lock()

    async def find_free(self, promo: Promo) -> int | None:
        """One that was free a moment ago, at random, so that many who come at once seldom want the same.

        None where all are taken.
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
        async with self._search_lock:  # one in a process: those who wait learn from it
            return None if self._is_exhausted(promo) else await self._bisect(promo, in_play)

    def invalidate(self, promo_ids: Iterable[UUID]) -> None:
        """Uses of these were given back."""
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
        """Halves the seats until few are left of which one is free. Counts no more than twice as many as there are."""
        promo_id, first, end = promo.id, 0, in_play
        if await self._uses.count_slots(promo_id, first, end) == end - first:
            if len(self._exhausted) >= _MAX_EXHAUSTED:
                self._exhausted.clear()
            self._exhausted[promo_id] = _Exhausted(promo.given_back, promo.most_uses, self._clock() + _EXHAUSTED_TTL)
            return None
        while end - first > _SCAN_WINDOW:
            middle = (first + end) // 2
            one, other = secrets.choice([((first, middle), (middle, end)), ((middle, end), (first, middle))])
            first, end = one if await self._uses.count_slots(promo_id, *one) < one[1] - one[0] else other
        free = set(range(first, end)) - await self._uses.taken_slots(promo_id, first, end)
        # Where others took the last meanwhile, any seat will do: it is refused, and the search begins anew.
        return secrets.choice(list(free)) if free else first
