"""The feed behind a person's secret address, the address itself, and one visit as a file."""

import asyncio
from typing import Final
from uuid import UUID

from grome.accounts.models import User
from grome.accounts.service import AccountService
from grome.calendar_feeds.feed_loader import Visits
from grome.calendar_feeds.feed_urls import CalendarAddresses
from grome.calendar_feeds.ics import write_calendar
from grome.calendar_feeds.models import HOLDERS, CalendarFeed, Entry, ToldFeed
from grome.calendar_feeds.repository import CalendarRepository
from grome.calendar_feeds.revisions import with_revisions
from grome.calendar_feeds.schemas import CalendarOut
from grome.common.actor import Actor
from grome.common.clock import Clock
from grome.common.errors import NotFound

_READERS_AT_ONCE: Final = 5


class CalendarService:
    def __init__(
        self,
        feeds: CalendarRepository,
        addresses: CalendarAddresses,
        accounts: AccountService,
        visits: Visits,
        clock: Clock,
    ) -> None:
        self._feeds, self._addresses = feeds, addresses
        self._accounts, self._visits, self._clock = accounts, visits, clock

    async def address(self, actor: Actor) -> CalendarOut:
        return self._told(actor.id, await self._feeds.find(actor.id))

    async def reset(self, actor: Actor) -> CalendarOut:
        """Replace the address; all older addresses become invalid."""
        return self._told(actor.id, await self._feeds.next_generation(actor.id, is_on=True, now=self._clock()))

    async def turn_off(self, actor: Actor) -> None:
        await self._feeds.next_generation(actor.id, is_on=False, now=self._clock())

    async def feed(self, token: str) -> bytes:
        """Return the feed. Raises NotFound if the token is not, or no longer, the address of an existing account."""
        holder = await self._holder(token)
        entries = await self._revised(holder.id, await self._visits.around_now(holder))
        return await asyncio.to_thread(write_calendar, entries)

    async def visit(self, actor: Actor, booking_id: UUID) -> tuple[bytes, str]:
        """Return one booking of the actor, and a name for its file. Raises NotFound."""
        user = await self._accounts.find(actor.id)
        if user is None:
            raise NotFound
        entries = await self._revised(user.id, [await self._visits.find(user, booking_id)])
        return await asyncio.to_thread(write_calendar, entries), f"grome-{booking_id}.ics"

    async def _revised(self, user_id: UUID, entries: list[Entry]) -> list[Entry]:
        """Return the entries with the sequence and time of their last change; retry if another reader stored first."""
        revised = entries
        for _ in range(_READERS_AT_ONCE):
            told = await self._feeds.find_told(user_id)
            revised, events = await asyncio.to_thread(with_revisions, entries, told.events, self._clock())
            if events == told.events or await self._feeds.put_told(
                ToldFeed(id=user_id, version=told.version + 1, events=events)
            ):
                break
        return revised

    def _told(self, user_id: UUID, feed: CalendarFeed | None) -> CalendarOut:
        feed = feed or CalendarFeed(id=user_id)
        return CalendarOut(self._addresses.write(user_id, feed.generation) if feed.is_on else None)

    async def _holder(self, token: str) -> User:
        user_id = self._addresses.user_of(token)
        if user_id is None:
            raise NotFound
        user, feed = await asyncio.gather(self._accounts.find(user_id), self._feeds.find(user_id))
        feed = feed or CalendarFeed(id=user_id)
        is_good = feed.is_on and self._addresses.is_good(token, user_id, feed.generation)
        if user is None or user.role not in HOLDERS or not is_good:
            raise NotFound
        return user
