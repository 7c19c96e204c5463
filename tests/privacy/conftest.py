"""A customer and a barber that have used every feature, on a Grome of their own."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
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

# Texts that only the account of their name may have after an export, and nobody after its deletion.
CUSTOMER_SECRETS = ("Zoë Mertens", "Mind the dog", "Linienstraße 7", "Sure, see you there", "A clean cut", "zoe-phone")
BARBER_SECRETS = ("Igor Shears", "Corner Cuts", "Twenty years of fades", "Bring cash please", "Thank you Zoe", "Walter")


@pytest.fixture(scope="session")
def settings(settings: Settings) -> Settings:
    return apart(settings, "privacy", 9)


@pytest.fixture(autouse=True)
async def no_jobs_left(container: Container) -> AsyncIterator[None]:
    yield
    kinds = [MAKE_EXPORT.name, ERASE_ACCOUNT.name]
    await container.database["jobs"].delete_many({"kind": {"$in": kinds}})


@dataclass(frozen=True)
class Town:
    """A customer and a barber with a visit behind them, and a stranger."""

    customer: Person
    shop: Barber
    stranger: Person
    booking: dict[str, Any]
    photo: str


@pytest.fixture
async def town(http: httpx.AsyncClient, container: Container) -> Town:
    shop = await barber(
        http,
        container,
        display_name="Corner Cuts",
        bio="Twenty years of fades",
        service_radius_km=10,
        rules={"auto_accept": True},
    )
    device = {"id": "zoe-phone", "name": "zoe-phone", "platform": "android"}
    customer, stranger = await register(http, name="Zoë Mertens", device=device), await register(http, name="Nobody")
    call = {"location": {"lat": 52.521, "lng": 13.406}, "address": "Linienstraße 7"}
    booking = await book(http, customer, shop, tomorrow(9), house_call=call, note="Mind the dog")
    photo = str(await upload(http, customer))
    await send(http, customer, booking, "Sure, see you there", photos=[photo])
    await send(http, shop.person, booking, "Bring cash please")
    await serve(container, booking, "start", "complete")
    await _use_everything(http, customer, shop, booking)
    return Town(customer, shop, stranger, booking, photo)


async def _use_everything(http: httpx.AsyncClient, customer: Person, shop: Barber, booking: dict[str, Any]) -> None:
    services = [shop.services[0][0]]
    times = {"earliest": tomorrow(13).isoformat(), "latest": tomorrow(15).isoformat()}
    visit = {"barber_id": shop.id, "service_ids": services}
    review = f"/v1/bookings/{booking['id']}/review"
    await _done(http, customer, "PUT", f"/v1/me/favourites/{shop.id}")
    await _done(http, customer, "POST", review, {"rating": 5, "text": "A clean cut"})
    await _done(http, shop.person, "PUT", f"{review}/answer", {"text": "Thank you Zoe"})
    await _done(http, customer, "POST", "/v1/bookings/quote", {**visit, "scheduled_at": tomorrow(17).isoformat()})
    await _done(http, customer, "POST", "/v1/waitlist", {**visit, **times})
    await _done(http, customer, "GET", "/v1/me/calendar")
    await _done(http, customer, "PATCH", "/v1/me/preferences", {"timezone": "Europe/Vaduz"})
    await _done(http, shop.person, "PUT", "/v1/barbers/me/online", {"is_online": True})
    await _done(http, shop.person, "PUT", f"/v1/bookings/{booking['id']}/note", {"note": "Tips well"})
    await _done(http, shop.person, "POST", "/v1/barbers/me/promos", {"code": f"P{str(shop.id)[-8:]}", "percent": 10})


async def _done(http: httpx.AsyncClient, person: Person, method: str, path: str, body: Any = None) -> None:
    answer = await http.request(method, path, json=body, headers=person.auth)
    assert answer.is_success, (method, path, answer.text)
