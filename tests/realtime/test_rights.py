"""Events of an account's bookings, shop and person reach no other account, through any subscription at any time."""

import random
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed

from grome.app import App
from grome.infrastructure.container import Container
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import book, move, tomorrow
from tests.builders.people import Person, create_admin, register, sign_in_again
from tests.support.live import Frame, LiveSocket, open_socket

STEPS = 60


@dataclass
class Member:
    """An account with its open socket, and the rooms that it may see."""

    name: str
    person: Person
    socket: LiveSocket
    is_admin: bool
    own: set[str]


class Town:
    """People that book, chat, block each other, subscribe to any room, and sign out, at random."""

    def __init__(self, app: App, http: httpx.AsyncClient, stack: AsyncExitStack, seed: int) -> None:
        self.app, self.http, self.stack = app, http, stack
        self.dice = random.Random(seed)  # noqa: S311 -- repeatable, not secret
        self.members: list[Member] = []
        self.shops: list[Barber] = []
        self.bookings: list[tuple[dict[str, Any], Member, Member]] = []
        self.rooms: list[str] = ["user", "area:861f1d48fffffff"]
        self.ended: list[LiveSocket] = []

    async def settle(self, container: Container) -> None:
        """Register two barbers, three customers and an admin, each with a socket."""
        self.shops = [await barber(self.http, container) for _ in range(2)]
        people = [("barber", shop.person) for shop in self.shops]
        people += [("customer", await register(self.http)) for _ in range(3)]
        people.append(("admin", await create_admin(self.http, container)))
        for number, (role, person) in enumerate(people):
            own = {"user"} | ({f"shop:{person.id}"} if role == "barber" else set())
            member = Member(f"{role} {number}", person, await self.connect(person), role == "admin", own)
            self.members.append(member)
            self.rooms += [f"user:{person.id}", f"shop:{person.id}"]

    async def connect(self, person: Person) -> LiveSocket:
        socket = await self.stack.enter_async_context(open_socket(self.app))
        await socket.send(t="hello", token=person.access_token)
        await socket.receive_kind("hello")
        await socket.subscribe("user")
        return socket

    async def step(self) -> None:
        actions = (self.book, self.change, self.change, self.chat, self.chat, self.subscribe, self.subscribe)
        await self.dice.choice((*actions, self.subscribe, self.unsubscribe, self.block, self.sign_out))()

    async def book(self) -> None:
        if len(self.bookings) < 12:
            await self.book_for(self.dice.choice(self.members[2:5]))

    async def book_for(self, customer: Member) -> str:
        """Book the next hour of a random barber, and return the id of the booking."""
        shop = self.dice.choice(self.shops)
        booking = await book(self.http, customer.person, shop, tomorrow(5 + len(self.bookings)))
        owner = next(member for member in self.members if member.person.id == shop.person.id)
        room = f"booking:{booking['id']}"
        self.bookings.append((booking, customer, owner))
        self.rooms.append(room)
        customer.own.add(room)
        owner.own.add(room)
        return str(booking["id"])

    async def change(self) -> None:
        if self.bookings:
            booking, customer, owner = self.dice.choice(self.bookings)
            by = self.dice.choice((customer, owner))
            await move(self.http, by.person.auth, booking, self.dice.choice(("accept", "decline", "cancel")))

    async def chat(self) -> None:
        if self.bookings:
            booking, *sides = self.dice.choice(self.bookings)
            by = self.dice.choice(sides)
            await by.socket.send(t="typing", booking=booking["id"])
            await by.socket.request("send", booking=booking["id"], key=str(self.dice.random()), text="Hello")

    async def subscribe(self) -> None:
        """Ask for some rooms, own and foreign, and expect exactly the foreign rooms to be refused."""
        member = self.dice.choice(self.members)
        wanted = self.dice.sample(self.rooms, min(4, len(self.rooms)))
        for answer in await member.socket.subscribe(*wanted):
            room = answer["room"]
            is_of_somebody = room.startswith(("booking:", "shop:"))
            allowed = room in member.own or room.startswith("area:") or (member.is_admin and is_of_somebody)
            assert ("error" not in answer) == allowed, (member.name, answer)

    async def unsubscribe(self) -> None:
        member = self.dice.choice(self.members)
        await member.socket.request("unsub", rooms=self.dice.sample(self.rooms, 2))

    async def block(self) -> None:
        if self.bookings:
            _, *sides = self.dice.choice(self.bookings)
            self.dice.shuffle(sides)
            path = f"/v1/me/blocks/{sides[1].person.id}"
            await self.http.request(self.dice.choice(("PUT", "DELETE")), path, headers=sides[0].person.auth)

    async def sign_out(self) -> None:
        """End the session; its socket closes, and the account goes on with another one."""
        member = self.dice.choice(self.members)
        assert (await self.http.post("/v1/auth/logout", headers=member.person.auth)).status_code == 204
        assert await member.socket.close_code() == 4200
        self.check(member)
        with pytest.raises(ConnectionClosed):
            await member.socket.receive_kind("nothing")
        member.person = await sign_in_again(self.http, member.person)
        member.socket = await self.connect(member.person)

    def check(self, member: Member) -> None:
        """Assert that each frame of the member's socket is of a room that the member may see."""
        mine = {booking["id"] for booking, *sides in self.bookings if member in sides}
        for frame in member.socket.frames:
            assert member.is_admin or self.is_visible(member, frame, mine), (member.name, frame)

    def is_visible(self, member: Member, frame: Frame, bookings: set[str]) -> bool:
        room = frame.get("r", "user")
        if frame["t"] == "event" and frame["d"]["type"].startswith(("booking.", "message.")):
            return frame["d"]["subject"] in bookings and (room in member.own)
        return room in member.own or room.startswith("area:")


@pytest.mark.parametrize("seed", range(2))
async def test_no_account_gets_events_of_others_while_rights_and_subscriptions_change(
    app: App,
    http: httpx.AsyncClient,
    container: Container,
    live_relay: None,  # noqa: ARG001
    seed: int,
) -> None:
    async with AsyncExitStack() as stack:
        town = Town(app, http, stack, seed)
        await town.settle(container)
        for _ in range(STEPS):
            await town.step()
        # The last change arrives everywhere: every customer books once more, and hears of it.
        for customer in town.members[2:5]:
            await customer.socket.subscribe("user")  # a random step may have ended it
            own = await town.book_for(customer)
            await customer.socket.receive(lambda frame, own=own: frame["t"] == "event" and frame["d"]["subject"] == own)
        for member in town.members:
            await member.socket.request("ping")
            town.check(member)
        assert sum(len(member.socket.frames) for member in town.members) > STEPS / 2
