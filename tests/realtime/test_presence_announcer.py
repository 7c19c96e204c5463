"""Presence is announced to the other side of open bookings, with the last-seen time only by preference."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import httpx

from grome.common.actor import Actor, Role
from grome.common.ids import new_id
from grome.infrastructure.container import Container
from grome.realtime.delivery import Delivery
from grome.realtime.frames import PresenceState
from grome.realtime.hub import Hub
from grome.realtime.models import Joined, RoomRequest
from grome.realtime.presence import Presence
from grome.realtime.presence_announcer import PresenceAnnouncer
from grome.realtime.rooms import booking_room
from grome.realtime.subscriptions import LiveSubscriptions
from tests.builders.barbers import barber
from tests.builders.bookings import book, tomorrow
from tests.builders.chat import block
from tests.builders.people import Person, register
from tests.support.eventually import until

LAST_SEEN = datetime(2026, 11, 30, 9, 30, tzinfo=UTC)


class Listener:
    """Collects the frames of a subscriber."""

    is_admin = False

    def __init__(self, account_id: UUID) -> None:
        self.account_id = account_id
        self.frames: list[dict[str, Any]] = []

    def deliver(self, delivery: Delivery) -> None:
        self.frames.append(json.loads(delivery.json)["d"])

    def reset(self, room: str, epoch: str, offset: str) -> None:
        raise AssertionError((room, epoch, offset))


async def listen(container: Container, person: Person, booking: dict[str, Any]) -> Listener:
    listener, joined = Listener(person.id), list[Joined]()
    room = booking_room(UUID(booking["id"]))
    await container.get(Hub).join(listener, [RoomRequest(room)], joined.extend)
    assert len(joined) == 1
    return listener


async def test_presence_reaches_other_side_of_open_bookings(http: httpx.AsyncClient, container: Container) -> None:
    shop, customer = await barber(http, container, rules={"auto_accept": True}), await register(http)
    bookings = [await book(http, customer, shop, tomorrow(hour)) for hour in (9, 12)]
    cancelled = await http.post(f"/v1/bookings/{bookings[1]['id']}/cancel", headers=customer.auth, json={})
    assert cancelled.status_code == 200, cancelled.text
    theirs = await listen(container, customer, bookings[0])
    own = await listen(container, shop.person, bookings[0])
    ended = await listen(container, customer, bookings[1])
    announcer, presence = container.get(PresenceAnnouncer), container.get(Presence)
    person = shop.person.id

    assert await presence.connected(person)
    await until(lambda: theirs.frames == [{"user": str(person), "online": True, "last_seen": None}])
    announcer.left(person, LAST_SEEN)  # of another connection, and overtaken by this one
    announcer.came_online(customer.id)
    await until(lambda: own.frames == [{"user": str(customer.id), "online": True, "last_seen": None}])
    presence.disconnected(person)
    await until(lambda: _has_left(presence, person))
    announcer.left(person, LAST_SEEN)
    await until(lambda: len(theirs.frames) == 2)
    assert theirs.frames[-1] == {"user": str(person), "online": False, "last_seen": "2026-11-30T09:30:00Z"}

    hidden = await http.patch("/v1/me/preferences", headers=shop.auth, json={"show_last_seen": False})
    assert hidden.status_code == 200
    announcer.left(person, LAST_SEEN)
    await until(lambda: len(theirs.frames) == 3)
    assert theirs.frames[-1] == {"user": str(person), "online": False, "last_seen": None}
    assert (await presence.statuses([person]))[person].last_seen is None

    assert (await block(http, customer, shop.person)).status_code == 204
    friend = await register(http)
    of_friend = await listen(container, friend, await book(http, friend, shop, tomorrow(15)))
    announcer.came_online(customer.id)
    announcer.left(person, LAST_SEEN)
    await until(lambda: len(of_friend.frames) == 1)
    assert (len(theirs.frames), len(own.frames), ended.frames) == (3, 1, [])
    actor = Actor(customer.id, Role.CUSTOMER, new_id())
    [state] = await container.get(LiveSubscriptions).find_states(actor, {booking_room(UUID(bookings[0]["id"])): person})
    assert state.d == PresenceState(person, online=False, last_seen=None)


async def _has_left(presence: Presence, person: UUID) -> bool:
    return not await presence.is_online(person)
