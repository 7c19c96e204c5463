"""Tell the other sides of an account's open bookings that the account came online or left."""

import asyncio
from collections import OrderedDict
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec
from loguru import logger

from grome.accounts.models import User
from grome.accounts.service import AccountService
from grome.bookings.models import BookingSides, Party
from grome.bookings.queries import BookingQueries
from grome.chat.queries import ChatQueries
from grome.common.actor import Role
from grome.infrastructure.cancellation import cancel_until_done, raise_if_cancelled
from grome.infrastructure.isolated_items import report_failure
from grome.infrastructure.transient_errors import is_transient
from grome.realtime.frames import PresenceState
from grome.realtime.presence_leases import PresenceLeases
from grome.realtime.rooms import booking_room
from grome.realtime.streams import LivePublisher

PRESENCE: Final = "presence"
MAX_WAITING: Final = 10_000
_MAX_BOOKINGS: Final = 50
_PARTIES: Final = {Role.CUSTOMER: Party.CUSTOMER, Role.BARBER: Party.BARBER}


class PresenceAnnouncer:
    """Sends `presence` frames to the rooms of the account's next 50 open bookings, one account after the other.

    After a block neither side hears of the other.

    Only the newest change of an account waits. With more than 10,000 accounts waiting the oldest is left out: a client
    that subscribes or reconnects gets the present state.
    """

    def __init__(
        self,
        leases: PresenceLeases,
        accounts: AccountService,
        bookings: BookingQueries,
        chat: ChatQueries,
        publisher: LivePublisher,
    ) -> None:
        self._leases, self._accounts, self._bookings = leases, accounts, bookings
        self._chat, self._publisher = chat, publisher
        self._waiting: OrderedDict[UUID, datetime | None] = OrderedDict()  # None is online, a time when last seen
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="presence announcements")

    async def close(self) -> None:
        if self._task:
            await cancel_until_done({self._task})

    def came_online(self, account_id: UUID) -> None:
        self._add(account_id, None)

    def left(self, account_id: UUID, last_seen: datetime) -> None:
        self._add(account_id, last_seen)

    def _add(self, account_id: UUID, last_seen: datetime | None) -> None:
        self._waiting[account_id] = last_seen
        if len(self._waiting) > MAX_WAITING:
            self._waiting.popitem(last=False)
        self._wake.set()

    async def _run(self) -> None:
        while True:
            raise_if_cancelled()
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                raise_if_cancelled()
                account_id, last_seen = self._waiting.popitem(last=False)
                try:
                    await self._announce(account_id, last_seen)
                # Any error: the accounts after the failing account are announced all the same.
                except Exception as error:  # noqa: BLE001
                    if is_transient(error):
                        logger.warning("The presence of {} is not announced: {!r}", account_id, error)
                    else:
                        report_failure("presence announcements", account_id, error)

    async def _announce(self, account_id: UUID, last_seen: datetime | None) -> None:
        user = await self._accounts.find(account_id)
        party = _PARTIES.get(user.role) if user else None
        if user is None or party is None:
            return
        bookings = await self._bookings.list_open_sides(party, account_id, _MAX_BOOKINGS)
        others = {other for booking in bookings for other in _others(booking, account_id)}
        hidden_from = await self._chat.filter_blocked(account_id, others)
        if last_seen and await self._leases.has_connection(account_id):
            return  # meanwhile the account has returned; the process of its connection announces that
        payload = msgspec.json.encode(_state_of(user, last_seen))
        for booking in bookings:
            if people := _others(booking, account_id) - hidden_from:
                await self._publisher.broadcast(booking_room(booking.id), people, PRESENCE, payload)


def _state_of(user: User, last_seen: datetime | None) -> PresenceState:
    shown = last_seen if user.preferences.show_last_seen else None
    return PresenceState(user.id, online=last_seen is None, last_seen=shown)


def _others(booking: BookingSides, account_id: UUID) -> set[UUID]:
    return {side for side in (booking.customer_id, booking.barber_id) if side and side != account_id}
