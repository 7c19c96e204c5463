"""Joining the waitlist, looking at it, leaving it."""

from uuid import UUID

from grome.barbers.schemas import to_point
from grome.barbers.service import BarberService, chosen_services
from grome.catalogue.service import CatalogueService
from grome.common.actor import Actor
from grome.common.clock import Clock, to_utc
from grome.common.errors import Invalid, NotFound, Unavailable
from grome.common.http import PageQuery, decode_cursor, encode_cursor
from grome.common.ids import new_id
from grome.waitlist.errors import WaitingForTooMuch
from grome.waitlist.models import LONGEST, MOST_WAITING, OPEN, Area, Entry
from grome.waitlist.repository import AfterEntry, WaitlistRepository
from grome.waitlist.schemas import EntryIn, EntryOut, EntryPage, EntryQuery, WaitingPage, entry_out, waiting_out

_ATTEMPTS = 8


class WaitlistService:
    def __init__(
        self, entries: WaitlistRepository, barbers: BarberService, catalogue: CatalogueService, clock: Clock
    ) -> None:
        self._entries, self._barbers, self._catalogue, self._clock = entries, barbers, catalogue, clock

    async def join(self, actor: Actor, wanted: EntryIn) -> EntryOut:
        """Raises Invalid naming what is wrong, NotFound for the barber, WaitingForTooMuch."""
        entry = self._entry(actor, wanted)
        if entry.barber_id:
            chosen_services(await self._barbers.find(entry.barber_id), entry.service_ids)
        else:
            known = await self._catalogue.named(set(entry.service_ids))
            for index, service_id in enumerate(entry.service_ids):
                if service_id not in known:
                    raise Invalid(f"service_ids[{index}]", "is not in the catalogue")
        if await self._entries.count_open(actor.id) >= MOST_WAITING:
            raise WaitingForTooMuch
        await self._entries.add(entry)
        return entry_out(entry)

    async def page(self, actor: Actor, query: EntryQuery) -> EntryPage:
        found = await self._entries.page(actor.id, query.state, _after(query), query.limit + 1)
        page = found[: query.limit]
        return EntryPage([entry_out(entry) for entry in page], _cursor(found, page))

    async def page_for(self, actor: Actor, query: PageQuery) -> WaitingPage:
        """Who waits for the acting barber; those who wait for anybody around are not among them."""
        found = await self._entries.waiting_for(actor.id, _after(query), query.limit + 1)
        page = found[: query.limit]
        return WaitingPage([waiting_out(entry) for entry in page], _cursor(found, page))

    async def read(self, actor: Actor, entry_id: UUID) -> EntryOut:
        return entry_out(await self._find(actor, entry_id))

    async def leave(self, actor: Actor, entry_id: UUID) -> None:
        """Wait no more. An offer that is open stays until it is answered or runs out, like any other."""
        for _ in range(_ATTEMPTS):
            entry = await self._find(actor, entry_id)
            if entry.state not in OPEN or await self._entries.leave(entry):
                return
        raise Unavailable("The place on the list keeps changing; try again.")

    async def _find(self, actor: Actor, entry_id: UUID) -> Entry:
        entry = await self._entries.find(actor.id, entry_id)
        if entry is None:
            raise NotFound
        return entry

    def _entry(self, actor: Actor, wanted: EntryIn) -> Entry:
        if (wanted.barber_id is None) == (wanted.area is None):
            raise Invalid("barber_id", "is needed, or `area`, and not both")
        now = self._clock()
        earliest, latest = to_utc(wanted.earliest, "earliest"), to_utc(wanted.latest, "latest")
        if latest <= max(earliest, now):
            raise Invalid("latest", "must be after `earliest`, and still to come")
        if latest - now > LONGEST:
            raise Invalid("latest", f"must lie within {LONGEST.days} days")
        return Entry(
            id=new_id(),
            customer_id=actor.id,
            barber_id=wanted.barber_id,
            area=Area(to_point(wanted.area.location), wanted.area.radius_km) if wanted.area else None,
            service_ids=wanted.service_ids,
            earliest=earliest,
            latest=latest,
            joined_at=now,
        )


def _after(query: PageQuery) -> AfterEntry | None:
    after = decode_cursor(query.cursor, AfterEntry)
    return AfterEntry(to_utc(after.joined_at, "cursor"), after.id) if after else None  # it may be an invention


def _cursor(found: list[Entry], page: list[Entry]) -> str | None:
    return encode_cursor(AfterEntry(page[-1].joined_at, page[-1].id)) if len(found) > len(page) else None
