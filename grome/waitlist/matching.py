"""Offer time that becomes free to waiting customers, one customer at a time."""

import asyncio
from datetime import datetime, timedelta
from enum import Enum, auto
from functools import partial
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from loguru import logger
from msgspec import structs

from grome.barbers.service import BarberService
from grome.bookings.create import BookingCreator
from grome.bookings.drafts import BookingDraft
from grome.bookings.errors import SlotNotOffered, SlotTaken
from grome.bookings.models import Booking, Origin
from grome.bookings.queries import BookingQueries
from grome.common.clock import Clock
from grome.common.errors import NotFound
from grome.common.ids import new_id
from grome.infrastructure.isolated_items import Sweep, for_each
from grome.infrastructure.mongo.client import Document, to_document
from grome.infrastructure.outbox.models import Event
from grome.scheduling.slots import Slot
from grome.scheduling.ticks import local_day, moment_of
from grome.waitlist.freed import freed_dates, is_agreed, is_declined_by_customer, is_offer_open, offer_end_of
from grome.waitlist.models import MAX_WINDOW, OFFER_HOLD, DateRange, FreedTimeSearch, State, WaitlistEntry
from grome.waitlist.open_times import FreeStarts
from grome.waitlist.reach import ReachableBarbers
from grome.waitlist.repository import MarkResult, SearchedBarber, WaitlistRepository

# An entry is marked before its booking is made: without a booking after this time, the process has died in between.
_ORPHANED_AFTER: Final = timedelta(minutes=1)
# Entries that one job goes through; another job continues behind them.
ENTRIES_PER_SEARCH: Final = 200
# Entries that one run of `reconcile` goes through, continuing after the last run. An entry for an area costs as much as
# many entries, since each barber within its reach is checked.
_OFFERS_PER_RUN: Final = 200
_ENTRIES_PER_RUN: Final = 200
_AREA_ENTRIES_PER_RUN: Final = 20
_EXPIRED_BATCH: Final = 500
# Barbers with taken ticks that a run keeps in memory: up to 26,000 ticks each, the number of ticks in 92 days.
_CACHED_BARBERS: Final = 20
# Free starts that are tried for one entry; a try fails if another request has taken the start meanwhile.
_MAX_STARTS_TRIED: Final = 8
# The longest visit (ten services of eight hours) starts at most this long before its last date.
_LONGEST_VISIT: Final = timedelta(days=4)


class _OfferResult(Enum):
    """The result of an offer. DONE: the entry has an offer or needs none. TAKEN: another request took the time."""

    DONE = auto()
    TAKEN = auto()


class WaitlistMatcher:
    """Offers free time to waitlist entries.

    A search goes through at most `entries_per_search` entries; another search continues behind them.
    """

    def __init__(
        self,
        entries: WaitlistRepository,
        barbers: BarberService,
        bookings: BookingQueries,
        creator: BookingCreator,
        clock: Clock,
        entries_per_search: int = ENTRIES_PER_SEARCH,
    ) -> None:
        self._entries, self._barbers, self._bookings = entries, barbers, bookings
        self._creator, self._clock, self._entries_per_search = creator, clock, entries_per_search
        self._reach = ReachableBarbers(barbers)
        self._offers = _RoundRobin(entries, {"state": State.OFFERED.value}, _OFFERS_PER_RUN)
        waiting = {"state": State.WAITING.value}
        self._waiting = [
            _RoundRobin(entries, {**waiting, "barber_id": {"$ne": None}}, _ENTRIES_PER_RUN),
            _RoundRobin(entries, {**waiting, "barber_id": None}, _AREA_ENTRIES_PER_RUN),
        ]
        self._expired = Sweep("waitlist window", self._list_expired, _EXPIRED_BATCH)

    async def on_event(self, event: Event) -> FreedTimeSearch | None:
        """End the offer that an event answers, and offer the time that the event frees. Idempotent.

        Returns the search to continue with if more entries wait than one search goes through.
        """
        booking = (await self._bookings.find_many([event.subject_id])).get(event.subject_id)
        if booking is None:
            return None
        if booking.origin is Origin.WAITLIST:
            await self._end_answered_offer(booking)
        try:
            barber = await self._barbers.get_approved(booking.barber_id)
        except NotFound:  # nobody can book the barber any more, so there is nothing to wait for
            return None
        dates = freed_dates(booking, event.version, ZoneInfo(barber.timezone))
        if dates is None:
            return None
        refused = booking.origin is Origin.WAITLIST and is_declined_by_customer(booking)
        return await self.run_search(
            FreedTimeSearch(barber_id=barber.id, dates=dates, asked_last=booking.customer_id if refused else None)
        )

    async def run_search(self, search: FreedTimeSearch) -> FreedTimeSearch | None:
        """Offer free time to the next entries in order; returns the search to continue with, or None."""
        try:
            barber = await self._barbers.get_approved(search.barber_id)
        except NotFound:
            return None
        times = FreeStarts(barber, self._bookings, self._clock)
        window = self._window(times.zone, search.dates)
        if window[1] <= self._clock():
            return None
        around = SearchedBarber(
            barber.id, to_document(barber.location), [offer.service_id for offer in barber.services]
        )
        while True:
            customer = {"$eq" if search.is_last else "$ne": search.asked_last} if search.asked_last else None
            found, last = await self._entries.list_candidates(
                around, window, customer, search.after, self._entries_per_search
            )
            await for_each(
                found, partial(self._offer_first_free, times=times, dates=search.dates), name="waitlist search"
            )
            if last:
                return structs.replace(search, after=last)
            if search.asked_last is None or search.is_last:
                return None
            search = structs.replace(search, is_last=True, after=None)

    async def offer_now(self, entry: WaitlistEntry) -> None:
        """Offer time that is already free to a new entry.

        Its customer may have looked for free time before another customer cancelled.
        """
        if await self._entries.find_customers_with_offer({entry.customer_id}):
            return
        for barber in (await self._reach.list_for(entry)).barbers:
            times = FreeStarts(barber, self._bookings, self._clock)
            if await times.find_first(entry):
                await self._offer_first_free(entry, times, None)
                if not await self._is_waiting(entry):
                    return
            await asyncio.sleep(0)

    async def reconcile(self) -> list[FreedTimeSearch]:
        """Repair missed work: offers that were answered or cut off, windows that are over, and unoffered free time.

        Time also becomes free without an event, such as when a date comes within the horizon, and an event may be lost.
        So all waiting entries are compared with the free time, a limited number in a run. Returns the searches to
        continue with.
        """
        await for_each(await self._offers.next(), self._reconcile_offer, name="waitlist offer")
        if ended := (await self._expired.run(self._lapse)).done:
            logger.info("{} waitlist entries lapsed: their windows are over", ended)
        waiting = [entry for entries in self._waiting for entry in await entries.next()]
        holding = await self._entries.find_customers_with_offer({entry.customer_id for entry in waiting})
        in_turn = sorted(waiting, key=lambda entry: entry.turn)
        free = [entry for entry in in_turn if entry.customer_id not in holding]
        rest: list[FreedTimeSearch] = []
        known: dict[UUID, FreeStarts] = {}
        await for_each(free, partial(self._match_entry, known=known, rest=rest), name="waitlist entry")
        return rest

    async def _list_expired(self, after: UUID | None, limit: int) -> list[UUID]:
        return await self._entries.list_expired_ids(self._clock(), limit, after)

    async def _lapse(self, entry_id: UUID) -> None:
        await self._entries.mark_lapsed(entry_id, self._clock())

    async def _reconcile_offer(self, entry: WaitlistEntry) -> None:
        if entry.booking_id is None:
            return
        if booking := (await self._bookings.find_many([entry.booking_id])).get(entry.booking_id):
            await self._end_answered_offer(booking)
        elif entry.offered_at is None or entry.offered_at <= self._clock() - _ORPHANED_AFTER:
            await self._entries.withdraw_offer(entry.booking_id)

    async def _match_entry(
        self, entry: WaitlistEntry, known: dict[UUID, FreeStarts], rest: list[FreedTimeSearch]
    ) -> None:
        """If time is free for the entry, offer it to all entries that wait for it, in order.

        `known` caches the times read for earlier entries, and `rest` collects the searches to continue with.
        """
        for barber in (await self._reach.list_for(entry)).barbers:
            if len(known) > _CACHED_BARBERS:
                known.clear()
            times = known.setdefault(barber.id, FreeStarts(barber, self._bookings, self._clock))
            if slot := await times.find_first(entry):
                day = slot.start.astimezone(times.zone).date()
                more = await self.run_search(FreedTimeSearch(barber_id=barber.id, dates=DateRange(day, day)))
                times.invalidate()
                if more and more not in rest:
                    rest.append(more)
                if not await self._is_waiting(entry):
                    return
            await asyncio.sleep(0)  # lets other tasks run between the starts of a long window

    async def _is_waiting(self, entry: WaitlistEntry) -> bool:
        found = await self._entries.find(entry.customer_id, entry.id)
        return found is not None and found.state is State.WAITING

    async def _end_answered_offer(self, booking: Booking) -> None:
        """End an offer that was answered; an offer that awaits the barber's answer stays open."""
        entry = await self._entries.find_offered(booking.id)
        if entry is None or is_offer_open(booking):
            return
        if is_agreed(booking):
            await self._entries.mark_booked(booking.id, self._clock())
        else:
            await self._entries.end_offer(entry, booking.id, offer_end_of(booking), self._clock())

    def _window(self, zone: ZoneInfo, dates: DateRange | None) -> tuple[datetime, datetime]:
        """Return the time that an entry's window must touch."""
        if dates is None:
            return self._clock(), self._clock() + MAX_WINDOW
        first, last = local_day(dates.first, zone), local_day(dates.last, zone)
        return moment_of(first.start) - _LONGEST_VISIT, moment_of(last.end)

    async def _offer_first_free(self, entry: WaitlistEntry, times: FreeStarts, dates: DateRange | None) -> None:
        """Offer the first free start that suits the entry; if another request takes the start, offer the next one."""
        await asyncio.sleep(0)  # lets other tasks run between many entries
        tried: set[datetime] = set()
        while len(tried) < _MAX_STARTS_TRIED and (slot := await times.find_first(entry, dates, tried)):
            if await self._try_offer(entry, times, slot) is _OfferResult.DONE:
                return
            tried.add(slot.start)

    async def _try_offer(self, entry: WaitlistEntry, times: FreeStarts, slot: Slot) -> _OfferResult:
        now, booking_id = self._clock(), new_id()
        if await self._entries.mark_offered(entry, booking_id, now) is not MarkResult.MARKED:
            return _OfferResult.DONE
        wish = BookingDraft(
            id=booking_id,
            customer_id=entry.customer_id,
            barber=times.barber,
            services=times.offered_services(entry),
            start=slot.start,
            terms=times.barber.terms,
            origin=Origin.WAITLIST,
        )
        times.invalidate()
        try:
            await self._creator.claim_offer(wish, min(now + OFFER_HOLD, slot.start))
        except (SlotTaken, SlotNotOffered):
            await self._entries.withdraw_offer(booking_id)
            return _OfferResult.TAKEN
        return _OfferResult.DONE


class _RoundRobin:
    """Iterates over all entries of a kind, a batch with each call, and starts again behind the last entry."""

    def __init__(self, entries: WaitlistRepository, query: Document, limit: int) -> None:
        self._entries, self._query, self._limit = entries, query, limit
        self._after: UUID | None = None

    async def next(self) -> list[WaitlistEntry]:
        """Return the next entries, each at most once."""
        began = self._after
        found, self._after = await self._entries.list_batch(self._query, self._limit, began)
        if self._after is None and began and len(found) < self._limit:
            first, self._after = await self._entries.list_batch(self._query, self._limit - len(found), until=began)
            found += first
        return found
