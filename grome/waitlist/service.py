"""Join, read and leave the waitlist."""

import asyncio
from uuid import UUID

from msgspec import structs

from grome.barbers.service import BarberService, choose_services
from grome.bookings.queries import BookingQueries
from grome.catalogue.service import CatalogueService
from grome.common.actor import Actor
from grome.common.clock import Clock, to_utc
from grome.common.errors import NotFound, Unavailable
from grome.common.geo import to_point
from grome.common.ids import new_id
from grome.common.input_faults import refusal_of
from grome.infrastructure.http import PageQuery, cut_page, decode_cursor
from grome.waitlist.errors import WaitingForTooMuch, WishCannotBeMet
from grome.waitlist.matching import WaitlistMatcher
from grome.waitlist.models import MAX_WINDOW, OPEN_STATES, Area, WaitlistEntry, request_fingerprint
from grome.waitlist.open_times import FreeStarts
from grome.waitlist.reach import ReachableBarbers
from grome.waitlist.repository import EntryCursor, WaitlistRepository
from grome.waitlist.schemas import EntryIn, EntryOut, EntryPage, EntryQuery, WaitingPage, entry_out, waiting_out

_MAX_ATTEMPTS = 8


class WaitlistService:
    def __init__(
        self,
        entries: WaitlistRepository,
        matcher: WaitlistMatcher,
        barbers: BarberService,
        catalogue: CatalogueService,
        bookings: BookingQueries,
        clock: Clock,
    ) -> None:
        self._entries, self._matcher, self._barbers = entries, matcher, barbers
        self._catalogue, self._bookings, self._clock = catalogue, bookings, clock
        self._reach = ReachableBarbers(barbers)

    async def join(self, actor: Actor, body: EntryIn) -> EntryOut:
        """Join the waitlist; a time that is free already is offered at once. A repeat returns the open entry.

        Raises Invalid with the field's name, NotFound for the barber, WishCannotBeMet or WaitingForTooMuch.
        """
        entry = self._build_entry(actor, body)
        await self._check_services(entry)
        await self._check_possible(entry)
        stored = await self._entries.add(entry)
        if stored is None:
            raise WaitingForTooMuch
        if stored.id != entry.id:
            return entry_out(stored)
        # Offered only after the insert, so that searches for time that becomes free from now on find the entry.
        await self._matcher.offer_now(stored)
        return entry_out(await self._get(actor, stored.id))

    async def list_own(self, actor: Actor, query: EntryQuery) -> EntryPage:
        found = await self._entries.list_page(actor.id, query.state, _after(query), query.limit + 1)
        page, next_cursor = cut_page(found, query.limit, _position_of)
        return EntryPage([entry_out(entry) for entry in page], next_cursor)

    async def list_waiting(self, actor: Actor, query: PageQuery) -> WaitingPage:
        """List the entries that wait for the acting barber by id, without entries for an area."""
        found = await self._entries.list_waiting_for(actor.id, _after(query), query.limit + 1)
        page, next_cursor = cut_page(found, query.limit, _position_of)
        return WaitingPage([waiting_out(entry) for entry in page], next_cursor)

    async def get(self, actor: Actor, entry_id: UUID) -> EntryOut:
        return entry_out(await self._get(actor, entry_id))

    async def leave(self, actor: Actor, entry_id: UUID) -> None:
        """Leave the waitlist. An open offer stays until it is answered or runs out, like any other."""
        for _ in range(_MAX_ATTEMPTS):
            entry = await self._get(actor, entry_id)
            if entry.state not in OPEN_STATES or await self._entries.mark_left(entry, self._clock()):
                return
        raise Unavailable("The waitlist entry is being changed by other requests; try again.")

    async def _get(self, actor: Actor, entry_id: UUID) -> WaitlistEntry:
        entry = await self._entries.find(actor.id, entry_id)
        if entry is None:
            raise NotFound
        return entry

    def _build_entry(self, actor: Actor, body: EntryIn) -> WaitlistEntry:
        now = self._clock()
        earliest, latest = to_utc(body.earliest, "earliest"), to_utc(body.latest, "latest")
        faults = []
        if (body.barber_id is None) == (body.area is None):
            faults.append(("barber_id", "is required without `area`, and not allowed with it"))
        if latest <= max(earliest, now):
            faults.append(("latest", "must be after `earliest` and in the future"))
        elif latest - now > MAX_WINDOW:
            faults.append(("latest", f"must lie within {MAX_WINDOW.days} days"))
        if faults:
            raise refusal_of(faults)
        entry = WaitlistEntry(
            id=new_id(),
            customer_id=actor.id,
            barber_id=body.barber_id,
            area=Area(to_point(body.area.location), body.area.radius_km) if body.area else None,
            service_ids=body.service_ids,
            earliest=earliest,
            latest=latest,
            joined_at=now,
        )
        return structs.replace(entry, fingerprint=request_fingerprint(entry))

    async def _check_services(self, entry: WaitlistEntry) -> None:
        if entry.barber_id:
            choose_services(await self._barbers.get_approved(entry.barber_id), entry.service_ids)
            return
        known = await self._catalogue.find_many(set(entry.service_ids))
        faults = []
        for index, service_id in enumerate(entry.service_ids):
            if service_id not in known:
                faults.append((f"service_ids[{index}]", "is not in the catalogue"))
            elif service_id in entry.service_ids[:index]:
                faults.append((f"service_ids[{index}]", "is given twice"))
        if faults:
            raise refusal_of(faults)

    async def _check_possible(self, entry: WaitlistEntry) -> None:
        """Raise WishCannotBeMet if no visit is possible at any barber within reach, even if no time were taken."""
        reached = await self._reach.list_for(entry)
        refused = WishCannotBeMet(
            "area", "nobody_within_reach", "No barber in the area offers these services in this window."
        )
        for barber in reached.barbers:
            why = FreeStarts(barber, self._bookings, self._clock).find_obstacle(entry)
            if why is None:
                return
            refused = why if entry.barber_id else refused
            await asyncio.sleep(0)
        if reached.is_complete:
            raise refused


def _after(query: PageQuery) -> EntryCursor | None:
    after = decode_cursor(query.cursor, EntryCursor)
    return EntryCursor(to_utc(after.joined_at, "cursor"), after.id) if after else None  # clients may invent cursors


def _position_of(entry: WaitlistEntry) -> EntryCursor:
    return EntryCursor(entry.joined_at, entry.id)
