"""Load the documents that events are about, and build the events of rooms."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import TypeVar
from uuid import UUID

from grome.barbers.models import Barber
from grome.barbers.service import BarberService
from grome.bookings.queries import BookingQueries
from grome.chat.queries import ChatQueries
from grome.infrastructure.outbox.models import Event
from grome.payments.queries import PaymentQueries
from grome.realtime.event_payloads import Subjects, room_events
from grome.realtime.models import RoomEvent
from grome.reviews.service import ReviewService
from grome.walk_ins.queries import WalkInQueries

T = TypeVar("T")


class EventData:
    """Loads the documents of a batch of events by one query for each family."""

    def __init__(
        self,
        bookings: BookingQueries,
        payments: PaymentQueries,
        reviews: ReviewService,
        messages: ChatQueries,
        walk_ins: WalkInQueries,
        barbers: BarberService,
    ) -> None:
        self._bookings, self._payments, self._reviews = bookings, payments, reviews
        self._messages, self._walk_ins, self._barbers = messages, walk_ins, barbers

    async def load(self, events: Sequence[Event]) -> list[RoomEvent]:
        """Return each event once for each of its rooms, in the order of the events.

        A walk-in that is no longer waiting is followed by the new positions of the walk-ins behind it.
        """
        subjects = await self._load_subjects(events)
        return [room_event for event in events for room_event in room_events(event, subjects)]

    async def _load_subjects(self, events: Sequence[Event]) -> Subjects:
        by_family: dict[str, list[Event]] = {}
        for event in events:
            by_family.setdefault(event.family, []).append(event)

        def ids(family: str) -> set[UUID]:
            return {event.subject_id for event in by_family.get(family, ())}

        return Subjects(
            bookings=await _load(self._bookings.find_with_history, ids("booking")),
            payments=await _load(self._payments.find_many, ids("payment")),
            reviews=await _load(self._reviews.find_many, ids("review")),
            messages=await _load(
                self._messages.list_by_ids, {event.item_id for event in by_family.get("message", ()) if event.item_id}
            ),
            walk_ins=await _load(self._walk_ins.find_many, ids("walk_in")),
            queues=await _load(
                self._walk_ins.list_queues, {event.people[-1] for event in by_family.get("walk_in", ())}
            ),
            barbers=await _load(
                self._find_barbers, {event.subject_id for event in by_family.get("barber", ()) if event.location}
            ),
        )

    async def _find_barbers(self, barber_ids: Collection[UUID]) -> dict[UUID, Barber]:
        return {barber.id: barber for barber in await self._barbers.list_by_ids(list(barber_ids))}


async def _load(
    find: Callable[[Collection[UUID]], Awaitable[dict[UUID, T]]], wanted: Collection[UUID]
) -> dict[UUID, T]:
    return await find(wanted) if wanted else {}
