"""Which seat of a promo a new use takes.

Seats are what unique indexes count: a limit of n leaves the seats 0 to n - 1, and of all who want the same seat one
gets it. Limits may change, and uses from before keep their seats. So there are so many seats in play that those, and
all uses on other seats, are no more than the limit together; a seat that is given back counts again.
"""

import secrets
from collections.abc import Iterable
from typing import Final
from uuid import UUID

from grome.promos.models import Promo
from grome.promos.repository import PromoUseRepository

_WINDOW: Final = 256  # seats that are looked at in one go
# Far above every limit, and exact in BSON and JSON alike; two that choose the same number are two in billions.
_UNLIMITED: Final = range(2**31, 2**53)


def lowest_free(taken: Iterable[int]) -> int:
    """A customer's seats are few, and those who want them too, so that one choice is as good as another."""
    seats = set(taken)
    return next(seat for seat in range(len(seats) + 1) if seat not in seats)


class TotalSeats:
    def __init__(self, uses: PromoUseRepository) -> None:
        self._uses = uses

    async def free(self, promo: Promo) -> int | None:
        """One that was free a moment ago, at random, so that many who come at once seldom want the same.

        None where all are taken.
        """
        if promo.most_uses is None:
            return secrets.choice(_UNLIMITED)
        in_play = await self._in_play(promo.id, promo.most_uses)
        if not in_play:
            return None
        first = secrets.randbelow(in_play)
        end = min(first + _WINDOW, in_play)
        free = set(range(first, end)) - await self._uses.taken(promo.id, first, end)
        return secrets.choice(list(free)) if free else await self._search(promo.id, in_play)

    async def _in_play(self, promo_id: UUID, limit: int) -> int:
        in_play = limit
        while (fitting := max(0, limit - await self._uses.count(promo_id, in_play))) < in_play:
            in_play = fitting
        return in_play

    async def _search(self, promo_id: UUID, in_play: int) -> int | None:
        """Halves the seats until few are left of which one is free. Counts no more than twice as many as there are."""
        first, end = 0, in_play
        if await self._uses.count(promo_id, first, end) == end - first:
            return None
        while end - first > _WINDOW:
            middle = (first + end) // 2
            one, other = secrets.choice([((first, middle), (middle, end)), ((middle, end), (first, middle))])
            first, end = one if await self._uses.count(promo_id, *one) < one[1] - one[0] else other
        free = set(range(first, end)) - await self._uses.taken(promo_id, first, end)
        # Where others took the last meanwhile, any seat will do: it is refused, and the search begins anew.
        return secrets.choice(list(free)) if free else first
