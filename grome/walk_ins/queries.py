"""Read walk-ins and queues of many barbers, for Grome's own use."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from uuid import UUID

from grome.barbers.service import BarberService
from grome.bookings.windows import SEAT_AFTER_JOINING
from grome.common.clock import Clock
from grome.walk_ins.models import MAX_QUEUE_LENGTH, WalkIn
from grome.walk_ins.queue import queue_dates
from grome.walk_ins.repository import WalkInRepository


class WalkInQueries:
    def __init__(self, walk_ins: WalkInRepository, barbers: BarberService, clock: Clock) -> None:
        self._walk_ins, self._barbers, self._clock = walk_ins, barbers, clock

    async def find_many(self, walk_in_ids: Collection[UUID]) -> dict[UUID, WalkIn]:
        """Return the existing walk-ins with these ids."""
        return {walk_in.id: walk_in for walk_in in await self._walk_ins.find_many(walk_in_ids)}

    async def list_queues(self, barber_ids: Collection[UUID]) -> dict[UUID, Sequence[WalkIn]]:
        """Return the waiting walk-ins of each barber's present queue, the earliest first, by one query."""
        now = self._clock()
        days = {barber.id: queue_dates(barber, now) for barber in await self._barbers.list_by_ids(list(barber_ids))}
        queues = defaultdict[UUID, list[WalkIn]](list)
        if days:
            limit = MAX_QUEUE_LENGTH * len(days)
            for walk_in in await self._walk_ins.list_waiting(days, now - SEAT_AFTER_JOINING, limit):
                queues[walk_in.barber_id].append(walk_in)
        return dict(queues)
