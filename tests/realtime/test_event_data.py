"""The data of events keeps a client's copy equal to the state by REST."""

import random
from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from typing import Any

import httpx
import pytest

from grome.infrastructure.container import Container
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import book, history, move, read, tomorrow
from tests.builders.people import Person, register, sign_in_again
from tests.conftest import AdjustableClock
from tests.realtime.conftest import Collector, frames
from tests.support.eventually import until

MINUTE = timedelta(minutes=1)
HOME = {"location": {"lat": 52.52, "lng": 13.405}, "address": "Lindenstraße 5"}


def applied(state: dict[str, Any], events: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Copy the data of the events over the state, as clients do."""
    for event in events:
        if event["version"] >= state["version"]:
            state = {**state, **{name: value for name, value in event["data"].items() if name in state}}
    return state


class Day:
    """Changes bookings of a barber at random, as both sides, around the time of the visits."""

    def __init__(self, http: httpx.AsyncClient, shop: Barber, customers: list[Person], chance: random.Random) -> None:
        self.http, self.shop, self.customers, self.chance = http, shop, customers, chance
        self.bookings: list[tuple[int, dict[str, Any]]] = []

    async def book(self) -> None:
        for number, customer in enumerate(self.customers):
            start = tomorrow(10) + (15 + 50 * number) * MINUTE
            booking = await book(self.http, customer, self.shop, start, house_call=None if number else HOME)
            self.bookings.append((number, booking))
            if number % 2 == 0:
                await move(self.http, self.shop.auth, booking, "accept")

    async def sign_in_again(self) -> None:
        """Sign in after the clock was moved."""
        self.shop = Barber(await sign_in_again(self.http, self.shop.person), self.shop.services)
        self.customers = [await sign_in_again(self.http, customer) for customer in self.customers]

    async def set_out_to_the_first(self) -> None:
        answer = await move(self.http, self.shop.auth, self.bookings[0][1], "on-the-way")
        assert answer.status_code == 200, answer.text

    async def serve_the_first(self) -> None:
        """Correct two mistakes at the house call; random changes leave this booking alone."""
        _, booking = self.bookings[0]
        for action in ("start", "undo", "no-show", "undo", "start", "complete"):
            answer = await move(self.http, self.shop.auth, booking, action)
            assert answer.status_code == 200, answer.text

    async def change(self) -> None:
        """Send a random request, which may be refused."""
        number, booking = self.chance.choice(self.bookings[1:])
        new_start = (tomorrow(15) + 5 * self.chance.randrange(60) * MINUTE).isoformat()
        requests: dict[tuple[str, str, str], Any] = {
            ("POST", "accept", "barber"): None,
            ("POST", "start", "barber"): None,
            ("POST", "complete", "barber"): None,
            ("POST", "undo", "barber"): None,
            ("POST", "no-show", "barber"): {},
            ("POST", "reschedule", "customer"): {"scheduled_at": new_start},
            ("POST", "reschedule", "barber"): {"scheduled_at": new_start},
            ("POST", "proposal/accept", "customer"): {},
            ("POST", "proposal/accept", "barber"): {},
            ("POST", "proposal/decline", "customer"): {},
            ("DELETE", "proposal", "barber"): None,
            ("POST", "late", "barber"): {"minutes": 5 * self.chance.randint(1, 6)},
            ("POST", "tip", "customer"): {"amount": self.chance.randint(0, 900)},
            ("PUT", "note", "customer"): {"note": f"Note {self.chance.random()}"},
            ("PUT", "note", "barber"): {"note": "Between us."},
        }
        if self.chance.random() < 1 / 20:
            requests = {("POST", "cancel", "customer"): {}, ("POST", "decline", "barber"): {"note": "No."}}
        (method, path, role), body = self.chance.choice(list(requests.items()))
        auth = self.shop.auth if role == "barber" else self.customers[number].auth
        answer = await self.http.request(method, f"/v1/bookings/{booking['id']}/{path}", json=body, headers=auth)
        assert answer.status_code in {200, 204, 409, 422}, answer.text


@pytest.mark.parametrize("seed", range(3))
async def test_booking_state_with_its_events_applied_equals_the_fresh_state(
    http: httpx.AsyncClient, container: Container, clock: AdjustableClock, collector: Collector, seed: int
) -> None:
    clock.set(tomorrow(10))
    shop = await barber(http, container, timezone="UTC", service_radius_km=8)
    chance = random.Random(seed)  # noqa: S311 -- a reproducible day, not a secret
    day = Day(http, shop, [await register(http) for _ in range(6)], chance)
    await day.book()
    await day.set_out_to_the_first()
    for minutes in (0, 60, 160):
        clock.set(tomorrow(10) + minutes * MINUTE)
        await day.sign_in_again()
        for _ in range(50):
            await day.change()

    await day.serve_the_first()

    late = []
    for number, booking in day.bookings:
        customer = day.customers[number]
        fresh = await read(http, customer.auth, booking)
        versions = [entry["version"] for entry in await history(http, customer.auth, booking)]
        await until(partial(collector.has, booking["id"], versions))
        for room in (f"booking:{booking['id']}", f"user:{customer.id}", f"shop:{shop.id}", f"user:{shop.id}"):
            told = [event for event in frames(collector.told, room) if event["subject"] == booking["id"]]
            assert applied(booking, told) == fresh
        late.append((booking, fresh, f"booking:{booking['id']}"))
    all_at_once = await collector.data.load(collector.events)
    for booking, fresh, room in late:
        assert applied(booking, frames(all_at_once, room)) == fresh
    assert len({event.type for event in collector.events}) > 10
