"""Read bookings. Bookings are created in `create.py` and changed in `lifecycle.py` and `reschedule.py`."""

from collections.abc import AsyncGenerator, AsyncIterator, Collection, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from grome.bookings.cancellation_policy import gives_promo_use_back
from grome.bookings.models import (
    Booking,
    BookingSides,
    Party,
    Status,
    UpcomingBooking,
)
from grome.bookings.repository import BookingCursor, BookingRepository
from grome.bookings.schemas import BookingOut, BookingPage, BookingQuery, HistoryOut, booking_out, history_out
from grome.common.actor import Actor, Role
from grome.common.clock import Clock, to_utc
from grome.common.errors import NotFound
from grome.infrastructure.http import cut_page, decode_cursor
from grome.infrastructure.mongo.access import visible_to
from grome.infrastructure.mongo.client import Document
from grome.promos.models import BookedUse

_READ_BATCH: Final = 250
# Visits in progress began within this time.
_LONGEST_VISIT: Final = timedelta(days=1)


class BookingQueries:
    def __init__(self, bookings: BookingRepository, clock: Clock) -> None:
        self._bookings, self._clock = bookings, clock

    async def read(self, actor: Actor, booking_id: UUID) -> BookingOut:
        return booking_out(await self._find(visible_to(actor), booking_id))

    def iter_ids_between(self, since: datetime, until: datetime, batch: int) -> AsyncIterator[list[UUID]]:
        """Yield batches of the ids of all bookings that start in [since, until)."""
        return self._bookings.iter_ids_between(since, until, batch)

    async def get(self, actor: Actor, booking_id: UUID) -> Booking:
        """Return a booking of the actor with all stored fields. Raises NotFound."""
        return await self._find(visible_to(actor), booking_id)

    async def get_history(self, actor: Actor, booking_id: UUID) -> HistoryOut:
        return history_out((await self._find(visible_to(actor), booking_id)).history)

    async def list_page(self, actor: Actor, query: BookingQuery) -> BookingPage:
        after = decode_cursor(query.cursor, BookingCursor)
        if after:  # cursors are not signed, so their values are validated
            after = BookingCursor(to_utc(after.scheduled_at, "cursor"), after.id)
        found = await self._bookings.list_page(visible_to(actor), query.status, after, query.limit + 1)
        page, next_cursor = cut_page(found, query.limit, lambda row: BookingCursor(row.scheduled_at, row.id))
        return BookingPage([booking_out(booking) for booking in page], next_cursor)

    def iter_starting_between(
        self,
        actor: Actor,
        span: tuple[datetime, datetime],
        *,
        barber_id: UUID | None = None,
        status: Status | None = None,
    ) -> AsyncGenerator[list[Booking]]:
        """Iterate the actor's bookings, or one barber's, that start in [first, last), earliest first."""
        scope = visible_to(actor)
        if barber_id is not None:
            scope = {"$and": [scope, {"barber_id": barber_id}]}
        return self._bookings.iter_starting_between(scope, span, status, _READ_BATCH)

    async def list_around(
        self,
        party: Party,
        person_id: UUID,
        span: tuple[datetime, datetime],
        limit: int,
        *,
        latest_first: bool = False,
    ) -> list[Booking]:
        """List the bookings of a customer or a barber that start in [first, last), for Grome's own texts.

        The bookings are read without ticks, and with the newest history entry only.
        """
        return await self._bookings.list_around({f"{party}_id": person_id}, span, limit, latest_first=latest_first)

    async def find_many(self, booking_ids: Sequence[UUID]) -> dict[UUID, Booking]:
        """Return the existing bookings with these ids, for Grome's own use."""
        return {booking.id: booking for booking in await self._bookings.find_many(booking_ids)}

    async def find_with_history(self, booking_ids: Collection[UUID]) -> dict[UUID, Booking]:
        """Return the existing bookings with these ids without their ticks, for Grome's own use."""
        return {booking.id: booking for booking in await self._bookings.find_many(booking_ids, with_ticks=False)}

    async def list_sides(self, actor: Actor, booking_ids: Collection[UUID]) -> list[BookingSides]:
        """List the bookings of these that are the actor's; an admin sees all bookings."""
        return await self._bookings.list_sides(visible_to(actor), booking_ids)

    async def list_open_ids(self, actor: Actor, limit: int) -> list[UUID]:
        """List the actor's bookings that are in progress or still to come, soonest first; none for an admin."""
        if actor.role is Role.ADMIN:
            return []
        since = self._clock() - _LONGEST_VISIT
        return [found.id for found in await self._bookings.list_open(visible_to(actor), since, limit)]

    async def list_open_sides(self, party: Party, person_id: UUID, limit: int) -> list[BookingSides]:
        """List the bookings of a customer or a barber that are in progress or to come, for Grome's own use."""
        return await self._bookings.list_open({f"{party}_id": person_id}, self._clock() - _LONGEST_VISIT, limit)

    async def booked_uses(self, booking_ids: Sequence[UUID]) -> dict[UUID, BookedUse]:
        """Return the state of each existing booking for the promo use that it holds, for Grome's own use."""
        return {
            booking.id: BookedUse(gives_promo_use_back(booking), is_visit=booking.status is not Status.CANCELLED)
            for booking in await self._bookings.find_many(booking_ids)
        }

    async def has_booked(self, customer_id: UUID, barber_id: UUID | None) -> bool:
        """Return whether the customer has a booking that is not cancelled, with this barber or with any barber."""
        return await self._bookings.has_booked(customer_id, barber_id)

    async def share_booking(self, actor: Actor, other_id: UUID) -> bool:
        """Return whether a customer and a barber have had a booking together, in any state."""
        other_side = Party.BARBER if actor.role is Role.CUSTOMER else Party.CUSTOMER
        return await self._bookings.exists({**visible_to(actor), f"{other_side}_id": other_id})

    async def list_accepted_between(
        self, start: datetime, end: datetime, after: UpcomingBooking | None, limit: int
    ) -> list[UpcomingBooking]:
        """List accepted bookings that start in [start, end], earliest first, from the booking after `after` on."""
        return await self._bookings.list_accepted_between(start, end, after, limit)

    async def get_occupied_ticks(self, barber_id: UUID, first_tick: int, end_tick: int) -> frozenset[int]:
        """Return all ticks of a barber's active bookings that overlap a span, also their ticks outside the span."""
        return await self._bookings.get_occupied_ticks(barber_id, first_tick, end_tick)

    async def get_occupied_ticks_by_barber(
        self, barber_ids: Sequence[UUID], first_tick: int, end_tick: int
    ) -> dict[UUID, frozenset[int]]:
        """Return the occupied ticks of many barbers with one query, without barbers that have no such booking."""
        return await self._bookings.get_occupied_ticks_by_barber(barber_ids, first_tick, end_tick)

    async def list_in_progress(self, barber_id: UUID, since: datetime) -> list[Booking]:
        """List a barber's visits in progress with a scheduled start at or after `since`."""
        return await self._bookings.list_in_progress(barber_id, since)

    async def list_last_completed(self, barber_id: UUID, limit: int) -> list[Booking]:
        """List a barber's completed visits, latest start first."""
        return await self._bookings.list_last_completed(barber_id, limit)

    async def _find(self, scope: Document, booking_id: UUID) -> Booking:
        booking = await self._bookings.find(scope, booking_id)
        if booking is None:
            raise NotFound
        return booking
