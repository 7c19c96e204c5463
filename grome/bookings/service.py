"""Reading bookings and moving them through their lives; taking a time is in `create.py`."""

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from loguru import logger

from grome.availability.ticks import first_tick_from, tick_of
from grome.bookings.errors import WrongState
from grome.bookings.models import (
    TRANSITIONS,
    Action,
    Booking,
    HistoryEntry,
    Party,
    StartingBooking,
    Status,
    Transition,
    party_of,
    reason_of,
)
from grome.bookings.repository import AfterBooking, BookingRepository, seen_by
from grome.bookings.schemas import BookingOut, BookingPage, BookingQuery, HistoryOut, booking_out, history_out
from grome.common.actor import Actor
from grome.common.clock import Clock, to_utc
from grome.common.errors import Forbidden, NotFound, Unavailable
from grome.common.http import decode_cursor, encode_cursor
from grome.common.ids import new_id
from grome.common.mongo import Document

# A move that lost to another change reads again and decides anew; so often in a row only a fault can lose.
_ATTEMPTS = 8
_EXPIRED_AT_ONCE = 500
_READ_AT_ONCE: Final = 250


class BookingService:
    def __init__(self, bookings: BookingRepository, clock: Clock) -> None:
        self._bookings, self._clock = bookings, clock

    async def read(self, actor: Actor, booking_id: UUID) -> BookingOut:
        return booking_out(await self._find(seen_by(actor), booking_id))

    async def history(self, actor: Actor, booking_id: UUID) -> HistoryOut:
        return history_out((await self._find(seen_by(actor), booking_id)).history)

    async def page(self, actor: Actor, query: BookingQuery) -> BookingPage:
        after = decode_cursor(query.cursor, AfterBooking)
        if after:  # it may be anybody's invention
            after = AfterBooking(to_utc(after.scheduled_at, "cursor"), after.id)
        found = await self._bookings.page(seen_by(actor), query.status, after, query.limit + 1)
        page = found[: query.limit]
        last = AfterBooking(page[-1].scheduled_at, page[-1].id) if len(found) > query.limit else None
        return BookingPage([booking_out(booking) for booking in page], encode_cursor(last) if last else None)

    def starting(
        self,
        actor: Actor,
        span: tuple[datetime, datetime],
        *,
        barber_id: UUID | None = None,
        status: Status | None = None,
    ) -> AsyncGenerator[list[Booking]]:
        """What the actor may see of all bookings, or of one barber's, that start in [first, last), earliest first."""
        scope = seen_by(actor)
        if barber_id is not None:
            scope = {"$and": [scope, {"barber_id": barber_id}]}
        return self._bookings.starting(scope, span, status, _READ_AT_ONCE)

    async def find_many(self, booking_ids: Sequence[UUID]) -> dict[UUID, Booking]:
        """By id, for what Grome itself does with bookings; those that do not exist are left out."""
        return {booking.id: booking for booking in await self._bookings.find_many(booking_ids)}

    async def has_booked(self, customer_id: UUID, barber_id: UUID | None) -> bool:
        """Whether the customer has a booking that was not called off: with one barber, or with anybody."""
        return await self._bookings.has_booked(customer_id, barber_id)

    async def accepted_between(
        self, start: datetime, end: datetime, after: StartingBooking | None, limit: int
    ) -> list[StartingBooking]:
        """Accepted bookings that start from `start` up to and with `end`, the earliest first, behind `after`."""
        return await self._bookings.accepted_between(start, end, after, limit)

    async def occupied(self, barber_id: UUID, first_tick: int, end_tick: int) -> frozenset[int]:
        """The ticks that active bookings of a barber hold in and around a span."""
        return await self._bookings.occupied(barber_id, first_tick, end_tick)

    async def occupied_by(
        self, barber_ids: Sequence[UUID], first_tick: int, end_tick: int
    ) -> dict[UUID, frozenset[int]]:
        """The same of many barbers, by one query; those who have no such booking are left out."""
        return await self._bookings.occupied_by(barber_ids, first_tick, end_tick)

    async def move(self, actor: Actor, booking_id: UUID, action: Action, note: str | None = None) -> BookingOut:
        """Accept, decline, start, complete or cancel; a second time is no change and no fault.

        Raises NotFound for what is not the actor's, WrongState where the booking is past it.
        """
        moved = await self._move(seen_by(actor), party_of(actor.role), actor.id, booking_id, action, note)
        return booking_out(moved)

    async def expire_unanswered(self) -> int:
        """End the requests that no barber answered in time and free their ticks; returns how many ended."""
        overdue = await self._bookings.unanswered(self._clock(), _EXPIRED_AT_ONCE)
        ended = 0
        for booking_id in overdue:
            try:
                await self._move({}, Party.SYSTEM, None, booking_id, Action.EXPIRE, None)
                ended += 1
            except WrongState:
                logger.info("Booking {} was answered while it was about to expire", booking_id)
        return ended

    async def _find(self, scope: Document, booking_id: UUID) -> Booking:
        booking = await self._bookings.find(scope, booking_id)
        if booking is None:
            raise NotFound
        return booking

    async def _move(
        self,
        scope: Document,
        party: Party,
        actor_id: UUID | None,
        booking_id: UUID,
        action: Action,
        note: str | None,
    ) -> Booking:
        transition = TRANSITIONS[action]
        if party not in transition.parties:
            raise Forbidden
        for _ in range(_ATTEMPTS):
            booking = await self._find(scope, booking_id)
            if self._overdue(booking) and action is not Action.EXPIRE:
                await self._move({}, Party.SYSTEM, None, booking_id, Action.EXPIRE, None)
                continue
            if booking.status not in transition.sources:
                if booking.history[-1].action is action:
                    return booking
                raise WrongState(f"The booking is {booking.status.value}.")
            moved = await self._write(booking, transition, party, actor_id, action, note)
            if moved:
                return moved
        raise Unavailable("The booking keeps changing; try again.")

    def _overdue(self, booking: Booking) -> bool:
        """The job that expires requests comes by once a minute; until then the time itself decides."""
        waits = booking.status is Status.REQUESTED and booking.answer_by is not None
        return waits and booking.answer_by is not None and booking.answer_by <= self._clock()

    async def _write(
        self,
        booking: Booking,
        transition: Transition,
        party: Party,
        actor_id: UUID | None,
        action: Action,
        note: str | None,
    ) -> Booking | None:
        reason = reason_of(action, party)
        entry = HistoryEntry(
            id=new_id(),
            version=booking.version + 1,
            action=action,
            status=transition.target,
            by=party,
            actor_id=actor_id,
            at=self._clock(),
            reason=reason,
            note=note,
        )
        fields: Document = {
            "status": transition.target.value,
            "reason": reason.value if reason else None,
            # A cancelled booking keeps its ticks for the record, but the unique index counts only active ones.
            "active": transition.target is not Status.CANCELLED,
        }
        if action is Action.COMPLETE:
            fields["ticks"] = _ticks_used(booking, entry.at)
        return await self._bookings.move(booking, fields, entry)


def _ticks_used(booking: Booking, now: datetime) -> list[int]:
    """What a visit that ends now has taken: its time until now, at least its first five minutes, and its seats."""
    end = max(first_tick_from(now), tick_of(booking.scheduled_at) + 1)
    return [tick for tick in booking.ticks if tick < end]
