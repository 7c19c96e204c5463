"""What follows from time that becomes free: who waits for it is asked, one at a time."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from loguru import logger
from msgspec import to_builtins

from grome.availability.service import AvailabilityService
from grome.availability.slots import Slot
from grome.barbers.models import ChosenService
from grome.barbers.service import BarberService, offered_services
from grome.bookings.create import BookingCreation
from grome.bookings.errors import SlotNotOffered, SlotTaken
from grome.bookings.models import Action, Booking, HistoryEntry, Origin, Party, Status, as_of
from grome.bookings.service import BookingService
from grome.bookings.wishes import Wish
from grome.common.clock import Clock
from grome.common.errors import NotFound
from grome.common.ids import new_id
from grome.events.models import Event, EventType
from grome.jobs.models import JobKind, NewJob, Queue
from grome.jobs.service import Jobs
from grome.waitlist.models import HELD, MOST_UNANSWERED, Entry, Freed, Passed, State
from grome.waitlist.repository import WaitlistRepository

FILL: Final = JobKind("waitlist", Queue.URGENT, 30, (1, 5, 30, 120))
_DAY: Final = timedelta(days=1)
# An offer without a booking for so long was cut off between the two.
_CUT_OFF: Final = timedelta(minutes=1)
_HEALED_AT_ONCE: Final = 200
_FREEING: Final = frozenset(
    {
        EventType.BOOKING_CANCELLED,
        EventType.BOOKING_DECLINED,
        EventType.BOOKING_EXPIRED,
        EventType.BOOKING_NO_SHOW,
        EventType.BOOKING_COMPLETED,
        EventType.BOOKING_RESCHEDULED,
        EventType.BOOKING_PROPOSAL_REJECTED,
        EventType.BOOKING_PROPOSAL_WITHDRAWN,
        EventType.BOOKING_PROPOSAL_LAPSED,
    }
)
_FOLLOWED: Final = _FREEING | {EventType.BOOKING_ACCEPTED}


class WaitlistFollower:
    """Follows events: each that may free time, or answers an offer, becomes a job."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs

    async def follow(self, events: Sequence[Event]) -> None:
        await self._jobs.add(
            *(
                NewJob(f"{event.id}:waitlist", FILL, {"event": to_builtins(event)})
                for event in events
                if event.type in _FOLLOWED
            )
        )


class WaitlistFilling:
    def __init__(
        self,
        entries: WaitlistRepository,
        barbers: BarberService,
        bookings: BookingService,
        availability: AvailabilityService,
        creation: BookingCreation,
        clock: Clock,
    ) -> None:
        self._entries, self._barbers, self._bookings = entries, barbers, bookings
        self._availability, self._creation, self._clock = availability, creation, clock

    async def react(self, event: Event) -> None:
        """Settle the offer that the event answers, and offer the time that it frees. Safe to do again."""
        booking = (await self._bookings.find_many([event.subject_id])).get(event.subject_id)
        if booking is None:
            return
        if booking.origin is Origin.WAITLIST:
            await self._settle(booking)
        if event.type in _FREEING:
            await self._fill(booking, event)

    async def heal(self) -> None:
        """Entries whose offer was answered without their hearing of it, and those whose time is over."""
        cut_off = await self._entries.offered_before(self._clock() - _CUT_OFF, _HEALED_AT_ONCE)
        bookings = await self._bookings.find_many([entry.booking_id for entry in cut_off if entry.booking_id])
        for entry in cut_off:
            if entry.booking_id is None:
                continue
            if booking := bookings.get(entry.booking_id):
                await self._settle(booking)
            else:
                await self._entries.withdraw(entry.booking_id)
        if ended := await self._entries.end_over(self._clock()):
            logger.info("{} waited until their time was over", ended)

    async def _settle(self, booking: Booking) -> None:
        entry = await self._entries.offered_to(booking.id)
        if entry is None or (booking.status is Status.REQUESTED and booking.awaits is Party.CUSTOMER):
            return
        if booking.status is not Status.CANCELLED:
            await self._entries.settle(booking.id)
            return
        ran_out = booking.history[-1].action is Action.EXPIRE
        is_last = ran_out and entry.unanswered + 1 >= MOST_UNANSWERED
        passed = Passed(booking.barber_id, booking.scheduled_at)
        state = State.LAPSED if is_last else State.WAITING
        await self._entries.pass_over(booking.id, passed, state, unanswered=ran_out)

    async def _fill(self, booking: Booking, event: Event) -> None:
        try:
            barber = await self._barbers.find(booking.barber_id)
        except NotFound:  # nobody waits for who has left the map
            return
        start, end = _freed(booking, event.version)
        if end <= self._clock():
            return
        freed = Freed(barber, start, end)
        known: dict[tuple[UUID, ...], list[Slot]] = {}  # by services; until one of the starts is taken
        for entry in await self._entries.matching(freed):
            if services := offered_services(barber, entry.service_ids):
                wanted = tuple(entry.service_ids)
                if wanted not in known:
                    known[wanted] = await self._slots(freed, services)
                if await self._ask(entry, freed, services, known[wanted]):
                    known.clear()

    async def _ask(self, entry: Entry, freed: Freed, services: list[ChosenService], slots: list[Slot]) -> bool:
        """Whether a start of these was tried: others are to be asked about what is free then."""
        passed = {one.start for one in entry.passed if one.barber_id == freed.barber.id}
        tried = False
        for slot in slots:
            if _suits(entry, slot) and slot.start not in passed:
                tried = True
                if await self._offer(entry, freed, services, slot):
                    break
        return tried

    async def _slots(self, freed: Freed, services: list[ChosenService]) -> list[Slot]:
        """The free starts that reach into the freed time, earliest first."""
        first, last = (freed.start - _DAY).date(), (freed.end + _DAY).date()
        [(_, days)] = await self._availability.slots_of([(freed.barber, services)], first, last)
        return list(_reaching((slot for _, found in days for slot in found), freed))

    async def _offer(self, entry: Entry, freed: Freed, services: list[ChosenService], slot: Slot) -> bool:
        """Whether the entry needs no other: it has this offer, or does not wait any more."""
        now, booking_id = self._clock(), new_id()
        if not await self._entries.offer(entry, booking_id, now):
            return True
        wish = Wish(
            id=booking_id,
            customer_id=entry.customer_id,
            barber=freed.barber,
            services=services,
            start=slot.start,
            terms=freed.barber.terms,
            origin=Origin.WAITLIST,
        )
        try:
            await self._creation.offer(wish, min(now + HELD, slot.start))
        except (SlotTaken, SlotNotOffered):  # somebody was faster
            await self._entries.withdraw(booking_id)
            return False
        return True


def _freed(booking: Booking, version: int) -> tuple[datetime, datetime]:
    """The time that a booking has given up with this version."""
    entry, before = booking.history[version - 1], as_of(booking, version - 1)
    start = booking.scheduled_at
    if entry.action is Action.RESCHEDULE and before:
        start = before.scheduled_at
    elif entry.action in {Action.REJECT, Action.WITHDRAW, Action.LAPSE}:
        start = _proposed(booking.history[: version - 1]) or start
    return start, start + (booking.ends_at - booking.scheduled_at)


def _proposed(history: Sequence[HistoryEntry]) -> datetime | None:
    return next((entry.scheduled_at for entry in reversed(history) if entry.action is Action.PROPOSE), None)


def _reaching(slots: Iterator[Slot], freed: Freed) -> Iterator[Slot]:
    return (slot for slot in slots if slot.start < freed.end and freed.start < slot.end)


def _suits(entry: Entry, slot: Slot) -> bool:
    return entry.earliest <= slot.start and slot.end <= entry.latest
