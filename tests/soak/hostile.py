"""Hostile accounts repeat all requests of a barber and a customer as fast as they are answered."""

import itertools
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

import httpx

from tests.builders.barbers import Barber
from tests.builders.people import PASSWORD, Person, person_of

_LONG_NOTE: Final = "n" * 500


@dataclass
class Hostile:
    """A hostile barber and customer that cooperate.

    `answers` counts by request and status, and `unexpected` keeps server errors.
    """

    http: httpx.AsyncClient
    shop: Barber
    customer: Person
    dice: random.Random
    hanging_url: str
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    unexpected: list[str] = field(default_factory=list)
    booking: str = ""
    today: str = ""
    device_id: str = ""
    refresh_token: str = ""
    numbers: Iterator[int] = field(default_factory=itertools.count)

    async def prepare(self) -> None:
        """Make the bookings that later requests change."""
        self.refresh_token = self.customer.refresh_token
        online = await self.http.put("/v1/barbers/me/online", json={"is_online": True}, headers=self.as_barber)
        assert online.status_code == 200, online.text
        soon = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=2)
        self.booking = await self._book(self.visit(5))
        self.today = await self._book({**self.visit(5), "scheduled_at": _text(soon)})
        accepted = await self.http.post(f"/v1/bookings/{self.today}/accept", headers=self.as_barber)
        assert accepted.status_code == 200, accepted.text

    async def _book(self, visit: dict[str, Any]) -> str:
        answer = await self.http.post("/v1/bookings", json=visit, headers=self.as_customer)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def run(self, until_s: float) -> None:
        """Send each request at least once, and all again until `until_s`."""
        for number in itertools.count():
            for act in ACTS:
                if number and time.monotonic() >= until_s:
                    return
                await self._send(act)

    async def _send(self, act: "Act") -> None:
        try:
            answer = await act(self)
        except httpx.TransportError as error:
            self.unexpected.append(f"{act.__name__}: {error!r}")
            return
        self.answers[act.__name__, answer.status_code] += 1
        # 503 means that a server was too slow; clients may see no other 5xx.
        if answer.status_code >= 500 and answer.status_code != 503:
            self.unexpected.append(f"{act.__name__}: {answer.status_code} {answer.text[:200]}")

    @property
    def as_customer(self) -> dict[str, str]:
        return {"Idempotency-Key": str(uuid4()), **self.customer.auth}

    @property
    def as_barber(self) -> dict[str, str]:
        return {"Idempotency-Key": str(uuid4()), **self.shop.auth}

    @property
    def service_id(self) -> str:
        return self.shop.services[0][0]

    def visit(self, days: int) -> dict[str, Any]:
        start = _day(days) + timedelta(minutes=5 * (next(self.numbers) % 250))
        return {"barber_id": self.shop.id, "service_ids": [self.service_id], "scheduled_at": _text(start)}


Act = Callable[[Hostile], Awaitable[httpx.Response]]


def midday_zone() -> str:
    """Return a zone in which it is about noon, so that a visit in two hours is today."""
    west = datetime.now(UTC).hour - 12
    return f"Etc/GMT{west:+d}"


def _day(days: int) -> datetime:
    return datetime.combine(datetime.now(UTC).date() + timedelta(days=days), datetime.min.time(), UTC)


def _text(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


async def change_note(one: Hostile) -> httpx.Response:
    note = f"{next(one.numbers)} {_LONG_NOTE}"[:500]
    return await one.http.put(f"/v1/bookings/{one.booking}/note", json={"note": note}, headers=one.as_customer)


async def reschedule(one: Hostile) -> httpx.Response:
    path = f"/v1/bookings/{one.booking}/reschedule"
    wanted = {"scheduled_at": one.visit(6)["scheduled_at"], "note": _LONG_NOTE}
    return await one.http.post(path, json=wanted, headers=one.as_customer)


async def propose(one: Hostile) -> httpx.Response:
    path = f"/v1/bookings/{one.booking}/reschedule"
    wanted = {"scheduled_at": one.visit(7)["scheduled_at"], "note": _LONG_NOTE}
    return await one.http.post(path, json=wanted, headers=one.as_barber)


async def withdraw_proposal(one: Hostile) -> httpx.Response:
    return await one.http.delete(f"/v1/bookings/{one.booking}/proposal", headers=one.as_barber)


async def book_and_cancel(one: Hostile) -> httpx.Response:
    answer = await one.http.post("/v1/bookings", json=one.visit(3), headers=one.as_customer)
    if answer.status_code != 201:
        return answer
    return await one.http.post(f"/v1/bookings/{answer.json()['id']}/cancel", json={}, headers=one.as_customer)


async def quote(one: Hostile) -> httpx.Response:
    return await one.http.post("/v1/bookings/quote", json=one.visit(4), headers=one.as_customer)


async def preview_series(one: Hostile) -> httpx.Response:
    wanted = {**one.visit(10), "repeat": {"every": "week", "count": 26}}
    return await one.http.post("/v1/bookings/series/preview", json=wanted, headers=one.as_customer)


async def preview_delay(one: Hostile) -> httpx.Response:
    path = f"/v1/bookings/{one.today}/late"
    return await one.http.get(path, params={"minutes": 15}, headers=one.as_barber)


async def wait_for_a_time(one: Hostile) -> httpx.Response:
    start = _day(2 + next(one.numbers) % 20) + timedelta(hours=9)
    window = {"earliest": _text(start), "latest": _text(start + timedelta(hours=2))}
    wanted = {"service_ids": [one.service_id], "barber_id": one.shop.id, **window}
    return await one.http.post("/v1/waitlist", json=wanted, headers=one.as_customer)


async def stop_waiting(one: Hostile) -> httpx.Response:
    answer = await one.http.get("/v1/waitlist", headers=one.as_customer)
    entries = answer.json().get("items", [])
    if len(entries) < 3:
        return answer
    return await one.http.delete(f"/v1/waitlist/{entries[0]['id']}", headers=one.as_customer)


async def queue_up(one: Hostile) -> httpx.Response:
    path = f"/v1/barbers/{one.shop.id}/walk-ins"
    answer = await one.http.post(path, json={"service_ids": [one.service_id]}, headers=one.as_customer)
    if answer.status_code != 201:
        return answer
    return await one.http.delete(f"/v1/walk-ins/{answer.json()['id']}", headers=one.as_customer)


async def keep_and_drop_favourite(one: Hostile) -> httpx.Response:
    path = f"/v1/me/favourites/{one.shop.id}"
    await one.http.put(path, headers=one.as_customer)
    return await one.http.delete(path, headers=one.as_customer)


async def add_push_device(one: Hostile) -> httpx.Response:
    path = f"/v1/me/devices/{one.device_id}/push-token"
    return await one.http.put(path, json={"token": f"token-{uuid4()}"}, headers=one.as_customer)


async def sign_in(one: Hostile) -> httpx.Response:
    one.device_id = str(uuid4())
    wanted = {"email": one.customer.email, "password": PASSWORD, "device": {"id": one.device_id}}
    answer = await one.http.post("/v1/auth/login", json=wanted)
    if answer.status_code == 200:  # the oldest session may have ended, since sessions are limited
        one.customer = person_of(answer.json())
        one.refresh_token = one.customer.refresh_token
    return answer


async def rotate_refresh_token(one: Hostile) -> httpx.Response:
    answer = await one.http.post("/v1/auth/refresh", json={"refresh_token": one.refresh_token})
    if answer.status_code == 200:
        one.refresh_token = answer.json()["refresh_token"]
    return answer


async def make_up_refresh_token(one: Hostile) -> httpx.Response:
    made_up = one.refresh_token[:-12] + uuid4().hex[:12]
    return await one.http.post("/v1/auth/refresh", json={"refresh_token": made_up})


async def call_hanging_webhook(one: Hostile) -> httpx.Response:
    listed = await one.http.get("/v1/webhooks/endpoints", headers=one.as_barber)
    endpoints = listed.json().get("items", [])
    if len(endpoints) < 2:
        wanted = {"url": f"{one.hanging_url}{uuid4()}"}
        return await one.http.post("/v1/webhooks/endpoints", json=wanted, headers=one.as_barber)
    return await one.http.post(f"/v1/webhooks/endpoints/{endpoints[0]['id']}/test", headers=one.as_barber)


async def take_time_off(one: Hostile) -> httpx.Response:
    start = _day(40 + next(one.numbers) % 200)
    wanted = {"starts_at": _text(start), "ends_at": _text(start + timedelta(hours=1)), "note": "n" * 200}
    return await one.http.post("/v1/barbers/me/time-off", json=wanted, headers=one.as_barber)


async def override_a_day(one: Hostile) -> httpx.Response:
    day = _day(40 + next(one.numbers) % 300).date()
    hours = {"is_available": True, "start_time": "09:00", "end_time": "17:00"}
    return await one.http.put(f"/v1/barbers/me/overrides/{day}", json={"hours": hours}, headers=one.as_barber)


async def make_promo(one: Hostile) -> httpx.Response:
    wanted = {"code": f"P-{uuid4().hex[:20]}", "percent": 10, "description": "d" * 200}
    return await one.http.post("/v1/barbers/me/promos", json=wanted, headers=one.as_barber)


async def ask_for_report(one: Hostile) -> httpx.Response:
    today = datetime.now(UTC).date()
    period = {"from": str(today - timedelta(days=300)), "to": str(today)}
    wanted = {"kind": "bookings", "format": "csv", **period}
    return await one.http.post("/v1/reports", json=wanted, headers=one.as_barber)


async def search_another_circle(one: Hostile) -> httpx.Response:
    """Search with a new radius and position, which need a new tile in memory."""
    where = {"lat": 52.4 + one.dice.random() / 4, "lng": 13.3 + one.dice.random() / 4}
    return await one.http.get("/v1/barbers/nearby", params={**where, "radius_km": 1 + one.dice.random() * 20})


async def read_slots_of_two_months(one: Hostile) -> httpx.Response:
    first = _day(1).date()
    params = {"from": str(first), "to": str(first + timedelta(days=30)), "service_ids": one.service_id}
    return await one.http.get(f"/v1/barbers/{one.shop.id}/slots", params=params)


async def send_large_body(one: Hostile) -> httpx.Response:
    return await one.http.post("/v1/bookings", json={"note": "x" * 900_000}, headers=one.as_customer)


async def make_up_access_token(one: Hostile) -> httpx.Response:
    return await one.http.get("/v1/me", headers={"Authorization": f"Bearer {uuid4()}.{uuid4()}.{uuid4()}"})


ACTS: Final[tuple[Act, ...]] = (
    change_note,
    reschedule,
    propose,
    withdraw_proposal,
    book_and_cancel,
    quote,
    preview_series,
    preview_delay,
    wait_for_a_time,
    stop_waiting,
    queue_up,
    keep_and_drop_favourite,
    sign_in,
    add_push_device,
    rotate_refresh_token,
    make_up_refresh_token,
    call_hanging_webhook,
    take_time_off,
    override_a_day,
    make_promo,
    ask_for_report,
    search_another_circle,
    read_slots_of_two_months,
    send_large_body,
    make_up_access_token,
)
