"""A customer and a barber that have used every feature, on a Grome of their own."""

import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, fields
from typing import Any

import httpx
import pytest

from config.settings import Settings
from grome.infrastructure.container import Container
from grome.privacy.models import ERASE_ACCOUNT, MAKE_EXPORT
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import book, serve, tomorrow
from tests.builders.chat import send
from tests.builders.people import Person, register
from tests.builders.uploads import upload
from tests.support.app import apart, app, container, database, http

__all__ = ["app", "container", "database", "http"]

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def settings(settings: Settings) -> Settings:
    return apart(settings, "privacy", 9)


@pytest.fixture(autouse=True)
async def no_jobs_left(container: Container) -> AsyncIterator[None]:
    yield
    kinds = [MAKE_EXPORT.name, ERASE_ACCOUNT.name]
    await container.database["jobs"].delete_many({"kind": {"$in": kinds}})


@dataclass(frozen=True)
class Texts:
    """Texts of the customer and the barber that no other town has."""

    name: str
    device: str
    address: str
    note: str
    message: str
    review: str
    shop: str
    bio: str
    reply: str
    answer: str
    barber_note: str

    @classmethod
    def new(cls) -> "Texts":
        number = next(_numbers)
        return cls(**{field.name: f"{field.name} é {number:04}." for field in fields(cls)})

    @property
    def of_customer(self) -> list[str]:
        return [self.name, self.device, self.address, self.note, self.message, self.review]

    @property
    def of_barber(self) -> list[str]:
        return [self.shop, self.bio, self.reply, self.answer, self.barber_note]


@dataclass(frozen=True)
class Town:
    """A customer and a barber with a visit behind them, and a stranger."""

    customer: Person
    shop: Barber
    stranger: Person
    booking: dict[str, Any]
    photo: str
    texts: Texts


@pytest.fixture
async def town(http: httpx.AsyncClient, container: Container) -> Town:
    texts = Texts.new()
    profile = {"name": texts.shop, "bio": texts.bio, "service_radius_km": 10}
    shop = await barber(http, container, rules={"auto_accept": True}, **profile)
    device = {"id": texts.device.replace("é", "e"), "name": texts.device, "platform": "android"}
    customer, stranger = await register(http, name=texts.name, device=device), await register(http, name="Nobody")
    call = {"location": {"lat": 52.521, "lng": 13.406}, "address": texts.address}
    booking = await book(http, customer, shop, tomorrow(9), house_call=call, note=texts.note)
    photo = str(await upload(http, customer))
    await send(http, customer, booking, texts.message, photos=[photo])
    await send(http, shop.person, booking, texts.reply)
    await serve(container, booking, "start", "complete")
    # The time that the customer waits for is taken for a moment.
    other = await book(http, stranger, shop, tomorrow(13))
    made = Town(customer, shop, stranger, booking, photo, texts)
    await _use_everything(http, made)
    await _done(http, stranger, "POST", f"/v1/bookings/{other['id']}/cancel")
    return made


async def _use_everything(http: httpx.AsyncClient, town: Town) -> None:
    customer, shop, texts = town.customer, town.shop, town.texts
    services = [shop.services[0][0]]
    times = {"earliest": tomorrow(13).isoformat(), "latest": tomorrow(13, 30).isoformat()}
    visit = {"barber_id": shop.id, "service_ids": services}
    path = f"/v1/bookings/{town.booking['id']}"
    await _done(http, customer, "PUT", f"/v1/me/favourites/{shop.id}")
    await _done(http, customer, "POST", f"{path}/review", {"rating": 5, "text": texts.review})
    await _done(http, shop.person, "PUT", f"{path}/review/answer", {"text": texts.answer})
    await _done(http, customer, "POST", "/v1/bookings/quote", {**visit, "scheduled_at": tomorrow(17).isoformat()})
    await _done(http, customer, "POST", "/v1/waitlist", {**visit, **times})
    await _done(http, customer, "GET", "/v1/me/calendar")
    await _done(http, customer, "PATCH", "/v1/me/preferences", {"timezone": "Europe/Vaduz"})
    await _done(http, shop.person, "PUT", "/v1/barbers/me/online", {"is_online": True})
    await _done(http, shop.person, "PUT", f"{path}/note", {"note": texts.barber_note})
    promo = {"code": f"P{str(shop.id)[-8:]}", "percent": 10}
    await _done(http, shop.person, "POST", "/v1/barbers/me/promos", promo)


async def _done(http: httpx.AsyncClient, person: Person, method: str, path: str, body: Any = None) -> None:
    answer = await http.request(method, path, json=body, headers=person.auth)
    assert answer.is_success, (method, path, answer.text)
