"""Drive a barber to a house call over HTTP."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx

from grome.infrastructure.container import Container
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import book, tomorrow
from tests.builders.people import Person, register, sign_in_again
from tests.builders.world import Place, destination
from tests.conftest import AdjustableClock

SHOP: Place = (52.52, 13.405)
HOME_M = 5_000
HOME = destination(SHOP, HOME_M, 90)


@dataclass
class Visit:
    """Holds an accepted house call, 5 km east of the shop, and its people."""

    http: httpx.AsyncClient
    clock: AdjustableClock
    booking: dict[str, Any]
    shop: Barber
    customer: Person

    @property
    def starts_at(self) -> datetime:
        return datetime.fromisoformat(self.booking["scheduled_at"])

    async def set_out(self) -> dict[str, Any]:
        answer = await self.ask("POST", "on-the-way")
        assert answer.status_code == 200, answer.text
        booking: dict[str, Any] = answer.json()
        return booking

    async def turn_back(self) -> dict[str, Any]:
        answer = await self.ask("DELETE", "on-the-way")
        assert answer.status_code == 200, answer.text
        booking: dict[str, Any] = answer.json()
        return booking

    async def ask(self, method: str, path: str, **sent: Any) -> httpx.Response:
        return await self.http.request(
            method, f"/v1/bookings/{self.booking['id']}/{path}", headers=self.shop.auth, **sent
        )

    async def report(
        self, metres: float, *, after_s: float = 2.0, to: httpx.AsyncClient | None = None
    ) -> httpx.Response:
        """Report a position so many metres west of the customer, some seconds after the last one."""
        self.clock.shift += timedelta(seconds=after_s)
        lat, lng = destination(HOME, metres, 270)
        url = f"/v1/bookings/{self.booking['id']}/position"
        return await (to or self.http).post(url, json={"lat": lat, "lng": lng}, headers=self.shop.auth)

    async def signed_in_again(self) -> "Visit":
        """Return the visit with new access tokens, which live for fifteen minutes."""
        signed_in = Barber(await sign_in_again(self.http, self.shop.person), self.shop.services)
        customer = await sign_in_again(self.http, self.customer)
        return Visit(self.http, self.clock, self.booking, signed_in, customer)

    async def look(self, person: Person | None = None) -> httpx.Response:
        auth = (person or self.customer).auth
        return await self.http.get(f"/v1/bookings/{self.booking['id']}/position", headers=auth)


async def a_visit(
    http: httpx.AsyncClient,
    container: Container,
    clock: AdjustableClock,
    before: timedelta = timedelta(minutes=30),
    customer: Person | None = None,
) -> Visit:
    """Return a visit of tomorrow; the clock is at so much time before its start."""
    start = tomorrow(12)
    clock.set(start - timedelta(hours=12))
    shop = await barber(http, container, rules={"auto_accept": True}, service_radius_km=8)
    customer = await sign_in_again(http, customer) if customer else await register(http)
    call = {"location": {"lat": HOME[0], "lng": HOME[1]}, "address": "Lindenstraße 5"}
    booking = await book(http, customer, shop, start, house_call=call)
    clock.set(start - before)
    return await Visit(http, clock, booking, shop, customer).signed_in_again()


def way_to(metres: float, step_m: float) -> Iterator[float]:
    """Yield the distances of a drive from the shop down to `metres`."""
    left = float(HOME_M)
    while left > metres:
        yield left
        left -= step_m
    yield metres
