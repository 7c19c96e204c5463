"""Reschedule bookings and answer proposals over HTTP."""

from datetime import datetime, timedelta
from typing import Any

import httpx

from tests.builders.barbers import Barber
from tests.builders.bookings import ask, book, move, tomorrow
from tests.builders.people import Person, register

DAY = timedelta(days=1)
START, OTHER = tomorrow(9) + 3 * DAY, tomorrow(14) + 3 * DAY


async def reschedule(
    http: httpx.AsyncClient, person: Person, booking: dict[str, Any], start: datetime, **body: Any
) -> httpx.Response:
    wanted = {"scheduled_at": start.isoformat(), **body}
    return await http.post(f"/v1/bookings/{booking['id']}/reschedule", json=wanted, headers=person.auth)


async def answer(
    http: httpx.AsyncClient, person: Person, booking: dict[str, Any], word: str, **body: Any
) -> httpx.Response:
    """Accept, decline or withdraw the open proposal."""
    url = f"/v1/bookings/{booking['id']}/proposal"
    if word == "withdraw":
        return await http.delete(url, headers=person.auth)
    return await http.post(f"{url}/{word}", json=body or None, headers=person.auth)


async def changed(response: httpx.Response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    booking: dict[str, Any] = response.json()
    return booking


async def accepted(http: httpx.AsyncClient, customer: Person, shop: Barber, start: datetime = START) -> dict[str, Any]:
    return await changed(await move(http, shop.auth, await book(http, customer, shop, start), "accept"))


def at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M}:00Z"


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def refused(response: httpx.Response, status: int, code: str) -> bool:
    assert (response.status_code, response.json().get("code")) == (status, code), response.text
    return True


async def is_free(http: httpx.AsyncClient, shop: Barber, start: datetime) -> bool:
    """Return whether another customer can book the time; the booking is cancelled again."""
    other = await register(http)
    asked = await ask(http, other, shop, start)
    if asked.status_code == 201:
        assert (await move(http, other.auth, asked.json(), "cancel")).status_code == 200
    return asked.status_code == 201
