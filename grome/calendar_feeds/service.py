"""Serve a person's calendar feed, its secret URL, and one visit as a file."""

import asyncio
from typing import Final
from uuid import UUID

from grome.accounts.models import User
from grome.accounts.service import AccountService
from grome.calendar_feeds.feed_loader import FeedLoader
from grome.calendar_feeds.feed_urls import FeedUrls
from grome.calendar_feeds.ics import write_calendar
from grome.calendar_feeds.models import FEED_ROLES, CalendarEntry, CalendarFeed, PublishedFeed
from grome.calendar_feeds.repository import CalendarRepository
from grome.calendar_feeds.revisions import apply_revisions
from grome.calendar_feeds.schemas import CalendarOut
from grome.common.actor import Actor
from grome.common.clock import Clock
from grome.common.errors import NotFound

_MAX_ATTEMPTS: Final = 5


class CalendarService:
    def __init__(
        self,
        feeds: CalendarRepository,
        addresses: FeedUrls,
        accounts: AccountService,
        visits: FeedLoader,
        clock: Clock,
    ) -> None:
        self._feeds, self._addresses = feeds, addresses
        self._accounts, self._visits, self._clock = accounts, visits, clock

    async def get_url(self, actor: Actor) -> CalendarOut:
        return self._calendar_out(actor.id, await self._feeds.find(actor.id))

    async def reset(self, actor: Actor) -> CalendarOut:
        """Replace the URL; all older URLs become invalid."""
        return self._calendar_out(
            actor.id, await self._feeds.advance_generation(actor.id, is_on=True, now=self._clock())
        )

    async def turn_off(self, actor: Actor) -> None:
        await self._feeds.advance_generation(actor.id, is_on=False, now=self._clock())

    async def render_feed(self, token: str) -> bytes:
        """Return the feed. Raises NotFound if the token is not the current token of an existing account."""
        holder = await self._get_holder(token)
        entries = await self._revise(holder.id, await self._visits.load(holder))
        return await asyncio.to_thread(write_calendar, entries)

    async def render_visit(self, actor: Actor, booking_id: UUID) -> tuple[bytes, str]:
        """Return one booking of the actor, and a name for its file. Raises NotFound."""
        user = await self._accounts.find(actor.id)
        if user is None:
            raise NotFound
        entries = await self._revise(user.id, [await self._visits.get(user, booking_id)])
        return await asyncio.to_thread(write_calendar, entries), f"grome-{booking_id}.ics"

    async def _revise(self, user_id: UUID, entries: list[CalendarEntry]) -> list[CalendarEntry]:
        """Return the entries with the sequence and time of their last change.

        Retries if a concurrent reader stored first.
        """
        revised = entries
        for _ in range(_MAX_ATTEMPTS):
            told = await self._feeds.get_published(user_id)
            revised, events = await asyncio.to_thread(apply_revisions, entries, told.events, self._clock())
            if events == told.events or await self._feeds.replace_published(
                PublishedFeed(id=user_id, version=told.version + 1, events=events)
            ):
                break
        return revised

    def _calendar_out(self, user_id: UUID, feed: CalendarFeed | None) -> CalendarOut:
        feed = feed or CalendarFeed(id=user_id)
        return CalendarOut(self._addresses.build(user_id, feed.generation) if feed.is_on else None)

    async def _get_holder(self, token: str) -> User:
        user_id = self._addresses.find_user_id(token)
        if user_id is None:
            raise NotFound
        user, feed = await asyncio.gather(self._accounts.find(user_id), self._feeds.find(user_id))
        feed = feed or CalendarFeed(id=user_id)
        is_good = feed.is_on and self._addresses.is_valid(token, user_id, feed.generation)
        if user is None or user.role not in FEED_ROLES or not is_good:
            raise NotFound
        return user
