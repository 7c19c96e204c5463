"""Customers find and book approved barbers only, in each process, by each way."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import count

import httpx
import msgspec
import pytest

from config.settings import Settings
from grome.app import App
from grome.barbers.models import Approval
from grome.barbers.repository import APPROVALS, BarberRepository
from grome.barbers.service import BarberService
from grome.infrastructure.container import Container
from grome.infrastructure.mongo.transactions import Transaction, Transactions
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import ask, book, tomorrow
from tests.builders.people import Person, register
from tests.builders.quotes import ask_quote
from tests.builders.series import ask_series, wish
from tests.builders.waitlist import post_entry
from tests.conftest import AdjustableClock
from tests.support.app import serve_app
from tests.support.eventually import until
from tests.support.http_client import http_client

_numbers = count(1)


@dataclass(frozen=True)
class Place:
    """One barber far from all others, found by this word."""

    shop: Barber
    customer: Person
    lat: float
    word: str


@pytest.fixture(scope="module")
async def apps(
    settings: Settings,
    session_clock: AdjustableClock,
    database: None,  # noqa: ARG001
) -> AsyncIterator[list[App]]:
    """Two applications that take new barbers by the approval of an admin."""
    barbers = msgspec.structs.replace(settings.barbers, approval="admin")
    strict = msgspec.structs.replace(settings, barbers=barbers)
    async with serve_app(strict, session_clock) as first, serve_app(strict, session_clock) as second:
        yield [first, second]


@pytest.fixture
async def clients(apps: list[App]) -> AsyncIterator[list[httpx.AsyncClient]]:
    async with http_client(apps[0].ctx.base_url) as first, http_client(apps[1].ctx.base_url) as second:
        yield [first, second]


@pytest.fixture
def strict(apps: list[App]) -> Container:
    found: Container = apps[0].ctx.container
    return found


async def decide(container: Container, shop: Barber, approval: Approval) -> None:
    async def store(transaction: Transaction) -> None:
        await container.get(BarberService).set_approval(transaction, shop.person.id, approval)

    await container.get(Transactions).run(shop.person.id, store)


async def open_shop(http: httpx.AsyncClient, container: Container) -> Place:
    number = next(_numbers)
    lat, word = 10.0 + number, f"Quillon{'abcdefgh'[number]}"
    shop = await barber(http, container, name=word, location={"lat": lat, "lng": 20.0})
    online = await http.put("/v1/barbers/me/online", json={"is_online": True}, headers=shop.auth)
    assert online.status_code == 200
    return Place(shop, await register(http), lat, word)


async def ways_to_find(http: httpx.AsyncClient, place: Place) -> dict[str, bool]:
    """Return by which ways somebody finds the barber, and in which answers the barber is."""
    shop, service_id = place.shop, place.shop.services[0][0]
    around = {"lat": str(place.lat), "lng": "20.0"}
    dates = {"from": str(tomorrow(9).date()), "to": str(tomorrow(9).date()), "service_ids": service_id}
    free = {"free_from": tomorrow(9).isoformat(), "free_to": tomorrow(12).isoformat()}
    listed = {
        "nearby": ("/v1/barbers/nearby", around),
        "nearby by rating": ("/v1/barbers/nearby", {**around, "sort": "rating"}),
        "nearby and free": ("/v1/barbers/nearby", {**around, **free}),
        "search": ("/v1/barbers", {"q": place.word}),
        "search around": ("/v1/barbers", {"q": place.word, **around}),
        "slots of any barber": ("/v1/slots", {**around, **dates}),
    }
    shown = {
        "profile": ("", {}),
        "slots": ("/slots", dates),
        "reviews": ("/reviews", {}),
        "walk-ins": ("/walk-ins", {"service_ids": service_id}),
    }
    found = {}
    for name, (path, query) in listed.items():
        answer = await http.get(path, params=query)
        assert answer.status_code == 200, answer.text
        found[name] = shop.id in answer.text
    for name, (path, query) in shown.items():
        answer = await http.get(f"/v1/barbers/{shop.id}{path}", params=query)
        assert answer.status_code in {200, 404}, answer.text
        found[name] = answer.status_code == 200
    return found


async def ways_to_book(http: httpx.AsyncClient, place: Place) -> dict[str, bool]:
    """Return by which ways a customer books the barber. Each takes a time of its own."""
    customer, shop, service_id = await register(http), place.shop, place.shop.services[0][0]
    anywhere = {
        "lat": place.lat,
        "lng": 20.0,
        "service_ids": [service_id],
        "scheduled_at": tomorrow(13).isoformat(),
    }
    answers = {
        "booking": await ask(http, customer, shop, tomorrow(9)),
        "quote": await ask_quote(http, customer, shop, tomorrow(10)),
        "series": await ask_series(http, customer, wish(shop, tomorrow(11))),
        "any barber": await http.post("/v1/bookings/any", json=anywhere, headers=customer.auth),
        "waitlist": await post_entry(http, customer, shop),
        "walk-in": await http.post(
            f"/v1/barbers/{shop.id}/walk-ins", json={"service_ids": [service_id]}, headers=customer.auth
        ),
        "guest": await http.post(
            "/v1/barbers/me/walk-ins", json={"service_ids": [service_id], "name": "Guest"}, headers=shop.auth
        ),
        "favourite": await http.put(f"/v1/me/favourites/{shop.id}", headers=customer.auth),
    }
    for name, answer in answers.items():
        assert answer.status_code in {200, 201, 204, 404, 409}, (name, answer.text)
    return {name: answer.is_success for name, answer in answers.items()}


async def all_ways_are(*, open_: bool, http: httpx.AsyncClient, place: Place) -> bool:
    return set((await ways_to_find(http, place)).values()) == {open_}


async def test_barber_is_found_and_booked_only_while_approved_in_every_process(
    clients: list[httpx.AsyncClient], strict: Container
) -> None:
    here, there = clients
    place = await open_shop(here, strict)
    for http in clients:
        assert not any((await ways_to_find(http, place)).values())
    assert not any((await ways_to_book(here, place)).values())
    own = (await here.get("/v1/barbers/me", headers=place.shop.auth)).json()
    assert (own["approval"], own["is_online"]) == ("pending", True)

    await decide(strict, place.shop, Approval.APPROVED)
    assert await ways_to_find(here, place) == dict.fromkeys(await ways_to_find(here, place), True)
    await until(partial(all_ways_are, open_=True, http=there, place=place))
    booked = await ways_to_book(there, place)
    assert booked == dict.fromkeys(booked, True)

    earlier = await book(here, place.customer, place.shop, tomorrow(16))
    quote = (await ask_quote(here, place.customer, place.shop, tomorrow(17))).json()
    await here.put(f"/v1/me/favourites/{place.shop.id}", headers=place.customer.auth)

    await decide(strict, place.shop, Approval.REJECTED)
    found = await ways_to_find(here, place)
    assert found == dict.fromkeys(found, False)
    await until(partial(all_ways_are, open_=False, http=there, place=place))
    for http in clients:
        assert not any((await ways_to_book(http, place)).values())
        bought = await http.post(f"/v1/bookings/quote/{quote['id']}/book", headers=place.customer.auth)
        assert bought.status_code == 404
        again = {"scheduled_at": (tomorrow(18) + timedelta(days=1)).isoformat()}
        rebooked = await http.post(f"/v1/bookings/{earlier['id']}/rebook", json=again, headers=place.customer.auth)
        assert rebooked.status_code in {404, 409}
        (favourite,) = (await http.get("/v1/me/favourites", headers=place.customer.auth)).json()["items"]
        assert place.word not in str(favourite)

    # Existing visits stay, and both sides can still see to them.
    accepted = await here.post(f"/v1/bookings/{earlier['id']}/accept", headers=place.shop.auth)
    assert accepted.status_code == 200


async def test_approval_stays_when_the_profile_is_removed_and_created_again(
    clients: list[httpx.AsyncClient], strict: Container
) -> None:
    http = clients[0]
    place = await open_shop(http, strict)
    profile = {"name": "Again", "location": {"lat": 1, "lng": 1}, "timezone": "UTC", "currency": "EUR"}
    for approval in (Approval.APPROVED, Approval.REJECTED, Approval.PENDING):
        await decide(strict, place.shop, approval)
        assert (await http.delete("/v1/barbers/me", headers=place.shop.auth)).status_code == 204
        if approval is Approval.PENDING:  # a decision while there is no profile
            await decide(strict, place.shop, Approval.APPROVED)
        created = await http.put("/v1/barbers/me", json=profile, headers=place.shop.auth)
        assert created.json()["approval"] == ("approved" if approval is Approval.PENDING else approval.value)


async def test_barber_from_before_approvals_is_approved(clients: list[httpx.AsyncClient], strict: Container) -> None:
    http, database = clients[0], strict.database
    place = await open_shop(http, strict)
    await database["barbers"].update_one(
        {"_id": place.shop.person.id}, {"$unset": {"approval": 1}, "$inc": {"version": 1}}
    )
    await database[APPROVALS.name].delete_one({"_id": place.shop.person.id})
    await BarberRepository(database).approve_existing()
    profile = {
        "name": place.word,
        "location": {"lat": place.lat, "lng": 20},
        "timezone": "UTC",
        "currency": "EUR",
    }
    assert (await http.put("/v1/barbers/me", json=profile, headers=place.shop.auth)).json()["approval"] == "approved"
    found = await ways_to_find(http, place)
    assert found == dict.fromkeys(found, True)
    stored = await database[APPROVALS.name].find_one({"_id": place.shop.person.id})
    assert stored is not None
    assert stored["approval"] == "approved"


async def test_barber_online_is_announced_around_it_only_while_approved(
    clients: list[httpx.AsyncClient], strict: Container
) -> None:
    http = clients[0]
    place = await open_shop(http, strict)

    async def notices() -> list[bool]:
        stored = await strict.database["barbers"].find_one({"_id": place.shop.person.id})
        return [one["is_online"] for one in (stored or {})["notice"]]

    assert await notices() == []
    for approval, shown in ((Approval.APPROVED, [True]), (Approval.REJECTED, [False])):
        await decide(strict, place.shop, approval)
        assert await notices() == shown
    before = await strict.database["barbers"].find_one({"_id": place.shop.person.id})
    await http.put("/v1/barbers/me/online", json={"is_online": False}, headers=place.shop.auth)
    after = await strict.database["barbers"].find_one({"_id": place.shop.person.id})
    assert (after or {})["notice"] == (before or {})["notice"]
