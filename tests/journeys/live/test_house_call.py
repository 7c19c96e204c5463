"""A house call from the booking to its completion, over HTTP and the live connections of both sides."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

import httpx

from grome.app import App
from grome.infrastructure.container import Container
from grome.live_client.client import LiveClient
from grome.live_client.items import Event, LiveItem, Reload, Signal
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import book, move, read, tomorrow
from tests.builders.chat import conversation
from tests.builders.people import Person, register
from tests.builders.world import Place, destination
from tests.conftest import AdjustableClock
from tests.support.eventually import PATIENCE_S
from tests.support.jobs import run_worker
from workers.registry import HANDLERS

SHOP: Place = (52.52, 13.405)
HOME = destination(SHOP, 2_000, 90)
METRES_LEFT = (600, 200, 20)  # of the barber's positions
STEP_S = 60
KINDS = [
    *("booking.requested", "booking.accepted"),
    *2 * ("message.sent", "message.delivered", "message.read"),
    *("booking.on_the_way", "booking.arrived", "booking.started", "booking.completed"),
]


@dataclass
class Device:
    """The live client of a person, with the items that it has given so far."""

    client: LiveClient
    items: list[LiveItem]

    @classmethod
    @asynccontextmanager
    async def of(cls, app: App, person: Person) -> AsyncIterator[Self]:
        async def token() -> str:
            return person.access_token

        async with LiveClient(app.ctx.base_url.replace("http", "ws", 1) + "/v1/live", token) as client:
            device = cls(client, [])
            await device.join("user")
            yield device

    async def join(self, room: str) -> None:
        """Subscribe, and wait for the start of the room."""
        self.client.subscribe(room)
        await self.next(lambda item: item == Reload(room))

    async def next(self, is_wanted: Callable[[LiveItem], bool]) -> LiveItem:
        """Read items until a wanted item comes."""
        async with asyncio.timeout(PATIENCE_S):
            async for item in self.client:
                self.items.append(item)
                if is_wanted(item):
                    return item
        raise AssertionError("the connection has ended")

    async def event(self, kind: str, room: str, **wanted: Any) -> dict[str, Any]:
        """Return the data of the next event of a type and a room, with the wanted fields."""
        found = await self.next(
            lambda item: (
                isinstance(item, Event)
                and (item.data["type"], item.room) == (kind, room)
                and wanted.items() <= item.data["data"].items()
            )
        )
        assert isinstance(found, Event)
        data: dict[str, Any] = found.data["data"]
        return data

    async def signal(self, kind: str) -> dict[str, Any]:
        found = await self.next(lambda item: isinstance(item, Signal) and item.kind == kind)
        assert isinstance(found, Signal)
        return found.data

    def events_in(self, room: str, booking: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the booking's events that came in a room."""
        events = (item for item in self.items if isinstance(item, Event) and item.room == room)
        return [event.data for event in events if event.data["subject"] == booking["id"]]


@dataclass
class Visit:
    """A house call, seen from both sides."""

    http: httpx.AsyncClient
    clock: AdjustableClock
    booking: dict[str, Any]
    shop: Barber
    customer: Person
    phone: Device
    barbers_phone: Device

    @property
    def id(self) -> str:
        return str(self.booking["id"])

    @property
    def room(self) -> str:
        return f"booking:{self.id}"

    async def act(self, action: str, seen_as: str) -> dict[str, Any]:
        """Act as the barber, and return the event of the customer's client."""
        answer = await move(self.http, self.shop.auth, self.booking, action)
        assert answer.status_code == 200, answer.text
        return await self.phone.event(seen_as, self.room)

    async def chat(self) -> None:
        """Each side writes a message, and sees that it was delivered and read."""
        self.phone.client.typing(self.id)
        assert await self.barbers_phone.signal("typing") == {"user": str(self.customer.id)}
        sides = [(self.phone, self.barbers_phone), (self.barbers_phone, self.phone)]
        for (writer, reader), text in zip(sides, ("Second floor.", "See you."), strict=True):
            sent = await writer.client.send(self.id, text)
            assert (await reader.event("message.sent", self.room, id=sent["id"]))["text"] == text
            await reader.client.delivered(self.id, sent["id"])
            await writer.event("message.delivered", self.room, message_id=sent["id"])
            await reader.client.read(self.id, sent["id"])
            await writer.event("message.read", self.room, message_id=sent["id"])

    async def drive(self) -> None:
        """Report positions up to the door; the customer's client sees each of them before the next."""
        for metres in METRES_LEFT:
            self.clock.shift += timedelta(seconds=STEP_S)
            await self.barbers_phone.client.where(self.id, *destination(HOME, metres, 270))
            seen = await self.phone.signal("where")
            assert abs(seen["distance_m"] - metres) < 1
            assert seen["arrived"] == (metres == METRES_LEFT[-1])


async def test_customer_sees_a_house_call_live_from_its_request_to_its_end(
    app: App, http: httpx.AsyncClient, container: Container, clock: AdjustableClock
) -> None:
    start = tomorrow(12)
    clock.set(start - timedelta(minutes=20))
    shop, customer = await barber(http, container, service_radius_km=5), await register(http)
    async with (
        run_worker(container, HANDLERS),
        Device.of(app, customer) as phone,
        Device.of(app, shop.person) as barbers_phone,
    ):
        call = {"location": {"lat": HOME[0], "lng": HOME[1]}, "address": "Lindenstraße 5"}
        booking = await book(http, customer, shop, start, house_call=call)
        visit = Visit(http, clock, booking, shop, customer, phone, barbers_phone)
        for device in (phone, barbers_phone):
            await device.event("booking.requested", "user")
            await device.join(visit.room)
        await visit.act("accept", "booking.accepted")
        await visit.chat()
        assert (await visit.act("on-the-way", "booking.on_the_way"))["on_the_way"]["arrived_at"] is None
        await visit.drive()
        await visit.act("start", "booking.started")
        assert (await visit.act("complete", "booking.completed"))["status"] == "completed"
        while len(phone.events_in("user", booking)) < len(KINDS):
            await phone.next(lambda _: True)

    told = phone.events_in("user", booking)
    assert [event["type"] for event in told] == KINDS
    assert phone.events_in(visit.room, booking) in (told, told[1:])  # the request may come before the room is joined
    versions = [event["version"] for event in told if event["type"].startswith("booking.")]
    assert versions == list(range(1, 7))
    assert (await read(http, customer.auth, booking))["version"] == versions[-1]
    state = (await conversation(http, customer, booking))["conversation"]
    assert (state["unread"], state["you"]["read"], state["other"]["read"]) == (0, 2, 1)  # messages of the other side
    position = await http.get(f"/v1/bookings/{visit.id}/position", headers=customer.auth)
    assert position.status_code == 409, position.text
