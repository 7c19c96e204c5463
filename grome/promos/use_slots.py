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

_WINDOW: Final = 256  # seats that are looked at in one go
# Far above every limit, and exact in BSON and JSON alike; two that choose the same number are two in billions.
_UNLIMITED: Final = range(2**31, 2**53)


# A process may die between giving a use back and telling of it in the promo.
_REMEMBERED: Final = timedelta(seconds=10)
_MOST_REMEMBERED: Final = 1_000


class _Full(NamedTuple):
    """What the promo said when all of its seats were seen to be taken."""

    given_back: int
    most_uses: int | None
    until: datetime


class TotalSeats:
    """Remembers which promos are used up, so that a code which everybody tries costs no search each time."""

    def __init__(self, uses: PromoUseRepository, clock: Clock) -> None:
        self._uses, self._clock = uses, clock
        self._full: dict[UUID, _Full] = {}
        self._searching = asyncio.Lock()

    async def free(self, promo: Promo) -> int | None:
        """One that was free a moment ago, at random, so that many who come at once seldom want the same.

        None where all are taken.
        """
        if promo.most_uses is None:
            return secrets.choice(_UNLIMITED)
        if self._is_full(promo):
            return None
        in_play = await self._in_play(promo.id, promo.most_uses)
        first = secrets.randbelow(max(1, in_play))
        end = min(first + _WINDOW, in_play)
        if free := set(range(first, end)) - await self._uses.taken(promo.id, first, end):
            return secrets.choice(list(free))
        async with self._searching:  # one in a process: those who wait learn from it
            return None if self._is_full(promo) else await self._search(promo, in_play)

    def forget(self, promo_ids: Iterable[UUID]) -> None:
        """Uses of these were given back."""
        for promo_id in promo_ids:
            self._full.pop(promo_id, None)

    def _is_full(self, promo: Promo) -> bool:
        full = self._full.get(promo.id)
        same = full and (full.given_back, full.most_uses) == (promo.given_back, promo.most_uses)
        return bool(full and same and self._clock() < full.until)

    async def _in_play(self, promo_id: UUID, limit: int) -> int:
        in_play = limit
        while (fitting := max(0, limit - await self._uses.count(promo_id, in_play))) < in_play:
            in_play = fitting
        return in_play

    async def _search(self, promo: Promo, in_play: int) -> int | None:
        """Halves the seats until few are left of which one is free. Counts no more than twice as many as there are."""
        promo_id, first, end = promo.id, 0, in_play
        if await self._uses.count(promo_id, first, end) == end - first:
            if len(self._full) >= _MOST_REMEMBERED:
                self._full.clear()
            self._full[promo_id] = _Full(promo.given_back, promo.most_uses, self._clock() + _REMEMBERED)
            return None
        while end - first > _WINDOW:
            middle = (first + end) // 2
            one, other = secrets.choice([((first, middle), (middle, end)), ((middle, end), (first, middle))])
            first, end = one if await self._uses.count(promo_id, *one) < one[1] - one[0] else other
        free = set(range(first, end)) - await self._uses.taken(promo_id, first, end)
        # Where others took the last meanwhile, any seat will do: it is refused, and the search begins anew.
        return secrets.choice(list(free)) if free else first
