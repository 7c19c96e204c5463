"""Load the events of a person's calendar, with a constant number of queries."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from grome.accounts.models import User
from grome.accounts.service import AccountService
from grome.barbers.service import BarberService
from grome.bookings.models import Booking, party_of
from grome.bookings.queries import BookingQueries
from grome.calendar_feeds.entries import Shop, build_barber_entry, build_customer_entry, build_time_off_entry, shop_of
from grome.calendar_feeds.models import (
    FUTURE_SPAN,
    MAX_FUTURE_VISITS,
    MAX_PAST_VISITS,
    MAX_TIME_OFF,
    PAST_SPAN,
    CalendarEntry,
)
from grome.common.actor import Role
from grome.common.clock import Clock
from grome.common.errors import NotFound
from grome.notifications.localizer import Localizer

_SECOND: Final = timedelta(seconds=1)  # the resolution of iCalendar, which has no events of zero length
_MAX_VISIT_LENGTH: Final = timedelta(
    days=1
)  # a visit that began this long ago may be in progress, and counts as future


class FeedLoader:
    """Loads the events of feeds. `app_base` is the prefix of links in events."""

    def __init__(
        self,
        accounts: AccountService,
        bookings: BookingQueries,
        barbers: BarberService,
        app_base: str,
        clock: Clock,
    ) -> None:
        self._accounts, self._bookings, self._barbers = accounts, bookings, barbers
        self._app_base, self._clock = app_base, clock

    async def load(self, user: User) -> list[CalendarEntry]:
        """Return all events in the feed of a customer or a barber, visits by time."""
        now, party = self._clock(), party_of(user.role)
        turn = now - _MAX_VISIT_LENGTH
        behind, ahead = await asyncio.gather(
            self._bookings.list_around(party, user.id, (now - PAST_SPAN, turn), MAX_PAST_VISITS, latest_first=True),
            self._bookings.list_around(party, user.id, (turn, now + FUTURE_SPAN), MAX_FUTURE_VISITS),
        )
        entries = await self._entries(user, [*reversed(behind), *ahead])
        return entries + await self._time_off(user) if user.role is Role.BARBER else entries

    async def get(self, user: User, booking_id: UUID) -> CalendarEntry:
        """Return the event of a visit. Raises NotFound if the user is neither its customer nor its barber."""
        booking = (await self._bookings.find_many([booking_id])).get(booking_id)
        if booking is None or user.id not in {booking.customer_id, booking.barber_id}:
            raise NotFound
        (entry,) = await self._entries(user, [booking])
        return entry

    async def _entries(self, user: User, bookings: Sequence[Booking]) -> list[CalendarEntry]:
        localizer, shops = _localizer(user), await self._shops({booking.barber_id for booking in bookings})
        to_barber = user.role is Role.BARBER
        customer_ids = {booking.customer_id for booking in bookings if booking.customer_id} if to_barber else set()
        names = await self._accounts.find_names(customer_ids)

        def entry(booking: Booking) -> CalendarEntry:
            shop, link = shops[booking.barber_id], f"{self._app_base}/bookings/{booking.id}"
            if to_barber:
                return build_barber_entry(booking, shop, localizer, link, _customer_name(booking, names))
            return build_customer_entry(booking, shop, localizer, link)

        # Building a year's visits would block the event loop.
        return await asyncio.to_thread(lambda: [entry(booking) for booking in bookings])

    async def _shops(self, barber_ids: set[UUID]) -> dict[UUID, Shop]:
        """Return the shops by barber id.

        A removed profile leaves the account's name, in UTC, since its zone is unknown.
        """
        shops = {barber.id: shop_of(barber) for barber in await self._barbers.list_by_ids(list(barber_ids))}
        if gone := barber_ids.difference(shops):
            names = await self._accounts.find_names(gone)
            shops |= {barber_id: Shop(names.get(barber_id, ""), "UTC") for barber_id in gone}
        return shops

    async def _time_off(self, user: User) -> list[CalendarEntry]:
        now = self._clock()
        return [
            build_time_off_entry(off, _localizer(user))
            for barber in await self._barbers.list_by_ids([user.id])
            for off in barber.openings.time_off
            if now - PAST_SPAN < off.ends_at and off.starts_at < now + FUTURE_SPAN
            if off.ends_at - off.starts_at >= _SECOND
        ][:MAX_TIME_OFF]


def _localizer(user: User) -> Localizer:
    return Localizer(user.preferences.language, ZoneInfo(user.preferences.timezone))


def _customer_name(booking: Booking, names: dict[UUID, str]) -> str:
    if booking.guest:
        return booking.guest.name
    return names.get(booking.customer_id, "") if booking.customer_id else ""
