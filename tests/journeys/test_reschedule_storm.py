"""Test 200 concurrent reschedules, proposals, answers, cancellations and bookings of a day over HTTP and two workers.

Bookings never overlap, no change is lost, and each successful answer is in the history.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx

from grome.infrastructure.container import Container
from grome.infrastructure.mongo.client import Client
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import book, tomorrow
from tests.builders.people import Person, register
from tests.support.http_client import http_client
from tests.support.processes import RunningGrome

DAY = tomorrow(8) + timedelta(days=1)
TICKS = 12 * 15  # in fifteen hours, up to midnight
VISITS, CALLS, CREATES = 20, 200, 40
MAY_BE_CANCELLED = 6  # of them, so that there is something to move to the end
TIMED = {"create", "reschedule"}
REFUSALS = {(409, "slot_taken"), (409, "wrong_state"), (409, "no_proposal"), (409, "changed_meanwhile")}


@dataclass(frozen=True)
class Told:
    """Holds a request, its booking and its answer."""

    what: str
    asked: dict[str, Any]
    response: httpx.Response


class Crowd:
    """Gives each person a separate client with its own connections."""

    def __init__(self, clients: dict[UUID, httpx.AsyncClient], shop: Barber, people: list[Person], seed: int) -> None:
        self._clients, self.shop, self.people = clients, shop, people
        self._dice = random.Random(seed)  # noqa: S311 -- a reproducible crowd, not a secret

    def start(self) -> str:
        return (DAY + timedelta(minutes=5 * self._dice.randrange(TICKS))).isoformat()

    async def act(self, owner: Person, booking: dict[str, Any], *, may_cancel: bool) -> Told:
        """Send a random request of the customer or the barber."""
        dice = self._dice.random()
        url = f"/v1/bookings/{booking['id']}"
        if dice < 0.55:
            return await self.ask(owner, "move", f"{url}/reschedule", scheduled_at=self.start())
        if dice < 0.7:
            return await self.ask(self.shop.person, "propose", f"{url}/reschedule", scheduled_at=self.start())
        if dice < 0.8:
            return await self.ask(owner, "accept", f"{url}/proposal/accept")
        if dice < 0.87:
            return await self.ask(owner, "decline", f"{url}/proposal/decline")
        if dice < 0.91 or not may_cancel:
            return await self.ask(owner, "versioned", f"{url}/reschedule", scheduled_at=self.start(), version=1)
        return await self.ask(owner, "cancel", f"{url}/cancel")

    async def create(self, person: Person) -> Told:
        wish = {"barber_id": self.shop.id, "service_ids": [self.shop.services[0][0]]}
        return await self.ask(person, "create", "/v1/bookings", **wish, scheduled_at=self.start())

    async def ask(self, person: Person, what: str, url: str, **body: Any) -> Told:
        response = await self._clients[person.id].post(url, json=body or None, headers=person.auth)
        return Told(what, body, response)


@asynccontextmanager
async def crowd(running: RunningGrome, container: Container, seed: int) -> AsyncIterator[Crowd]:
    async with AsyncExitStack() as stack, http_client(running.url, timeout_s=60) as http:
        shop = await barber(http, container, timezone="UTC", rules={"auto_accept": True, "buffer_after_min": 5})
        people = list(await asyncio.gather(*(register(http) for _ in range(10))))
        clients = {
            person.id: await stack.enter_async_context(http_client(running.url, timeout_s=60))
            for person in (shop.person, *people)
        }
        yield Crowd(clients, shop, people, seed)


async def snapshot(container: Container, shop: Barber) -> list[dict[str, Any]]:
    """Read all bookings of the barber in a snapshot."""
    async with container.get(Client).start_session(snapshot=True) as session:
        found = container.database["bookings"].find({"barber_id": shop.person.id}, session=session)
        return await found.to_list()


def nothing_overlaps(bookings: list[dict[str, Any]]) -> bool:
    held = Counter(tick for booking in bookings if booking["active"] for tick in booking["ticks"])
    return set(held.values()) <= {1} and all(holds_its_time(one) for one in bookings if one["active"])


def holds_its_time(booking: dict[str, Any]) -> bool:
    """Return whether the booking occupies exactly its present and its proposed time."""
    times = [booking, *([booking["proposal"]] if booking["proposal"] else [])]
    ticks = {
        tick
        for time in times
        for tick in range(
            int(time["scheduled_at"].timestamp()) // 300, int(time["ends_at"].timestamp() + 5 * 60) // 300
        )
    }
    return ticks == set(booking["ticks"])


def _in_turn(people: Crowd, booked: list[dict[str, Any]]) -> Iterator[Awaitable[Told]]:
    """Yield the calls with the creates among them, so that some creates come before the day is full."""
    every = CALLS // CREATES
    for call in range(CALLS):
        if call % every == 0:
            yield people.create(people.people[call // every % len(people.people)])
        visit = call % VISITS
        yield people.act(people.people[visit % len(people.people)], booked[visit], may_cancel=visit < MAY_BE_CANCELLED)


async def test_concurrent_reschedules_keep_every_booking_consistent(
    running: RunningGrome, container: Container
) -> None:
    async with crowd(running, container, seed=6) as people:
        shop, owners = people.shop, people.people
        async with http_client(running.url, timeout_s=60) as http:
            hour = timedelta(hours=12)
            booked = [
                await book(http, owners[n % len(owners)], shop, DAY + hour + timedelta(minutes=35 * n))
                for n in range(VISITS)
            ]
        samples: list[list[dict[str, Any]]] = []
        storm = asyncio.gather(*_in_turn(people, booked))
        while not storm.done():
            samples.append(await snapshot(container, shop))
            await asyncio.sleep(0.02)
        told = await storm
        stored = {booking["_id"]: booking for booking in await snapshot(container, shop)}

    refused = {(one.response.status_code, one.response.json().get("code")) for one in told if is_no(one)}
    assert refused <= REFUSALS
    assert all(nothing_overlaps(sample) for sample in (*samples, list(stored.values())))
    assert samples
    created = {UUID(one.response.json()["id"]) for one in told if one.what == "create" and not is_no(one)}
    assert set(stored) == {UUID(booking["id"]) for booking in booked} | created
    for booking in stored.values():
        is_what_its_history_says(booking)
    for one in told:
        if not is_no(one):
            is_true(one, stored)
    counts = Counter(one.what for one in told if not is_no(one))
    assert min(counts[what] for what in ("move", "propose", "create", "cancel")) > 0, counts


def is_no(one: Told) -> bool:
    return one.response.status_code not in {200, 201}


def is_what_its_history_says(booking: dict[str, Any]) -> None:
    entries = booking["history"]
    assert [entry["version"] for entry in entries] == list(range(1, booking["version"] + 1))
    assert time_of(booking, booking["version"]) == booking["scheduled_at"]
    assert entries[-1]["status"] == booking["status"]


def time_of(booking: dict[str, Any], version: int) -> datetime:
    """Return the time of the booking at a version, by its history."""
    times = [entry["scheduled_at"] for entry in booking["history"][:version] if entry["action"] in TIMED]
    found: datetime = times[-1]
    return found


def is_true(one: Told, stored: dict[UUID, dict[str, Any]]) -> None:
    """Check that the answer equals the booking at the version it names, with the requested change."""
    answer = one.response.json()
    booking = stored[UUID(answer["id"])]
    entry = booking["history"][answer["version"] - 1]
    assert entry["status"] == answer["status"]
    assert time_of(booking, answer["version"]) == datetime.fromisoformat(answer["scheduled_at"])
    wanted = datetime.fromisoformat(one.asked["scheduled_at"]).astimezone(UTC) if "scheduled_at" in one.asked else None
    match one.what:
        case "move" | "versioned" | "create":
            assert entry["scheduled_at"] == datetime.fromisoformat(answer["scheduled_at"]) == wanted
        case "propose":
            assert datetime.fromisoformat((answer["proposal"] or answer)["scheduled_at"]) == wanted
        case "accept":
            assert (entry["action"], answer["proposal"]) == ("reschedule", None)
        case "decline":
            assert (entry["action"], answer["proposal"]) == ("reject", None)
        case "cancel":
            assert entry["action"] == "cancel"
