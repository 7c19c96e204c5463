"""Customers add, list and remove favourite barbers over HTTP."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx

from grome.common.ids import new_id
from grome.favourites.models import MAX_FAVOURITES, Favourite
from grome.infrastructure.container import Container
from grome.infrastructure.mongo.client import to_document
from tests.builders.barbers import Barber, barber
from tests.builders.people import Person, register

FAVOURITES = "/v1/me/favourites"


async def ask(http: httpx.AsyncClient, method: str, customer: Person, barber_id: str) -> int:
    return (await http.request(method, f"{FAVOURITES}/{barber_id}", headers=customer.auth)).status_code


async def listed(http: httpx.AsyncClient, customer: Person, limit: int = 1) -> list[dict[str, Any]]:
    """Return all favourites, read in pages of this size."""
    found: list[dict[str, Any]] = []
    query: dict[str, str | int] = {"limit": limit}
    while True:
        page = (await http.get(FAVOURITES, params=query, headers=customer.auth)).json()
        found += page["items"]
        if page["next_cursor"] is None:
            return found
        query["cursor"] = page["next_cursor"]


async def ids(http: httpx.AsyncClient, customer: Person) -> list[str]:
    return [one["barber_id"] for one in await listed(http, customer)]


async def full(container: Container, customer: Person, but: int) -> None:
    """Store favourites of removed barbers up to a few below the bound."""
    await container.database["favourites"].insert_many(
        to_document(
            Favourite(id=new_id(), customer_id=customer.id, barber_id=new_id(), slot=slot, created_at=container.clock())
        )
        for slot in range(but, MAX_FAVOURITES)
    )


async def test_favourites_are_sorted_newest_first_and_repeats_change_nothing(
    http: httpx.AsyncClient, container: Container
) -> None:
    customer, first, second = await register(http), await barber(http, container), await barber(http, container)
    for shop in (first, second, first):
        assert await ask(http, "PUT", customer, shop.id) == 204
    assert await ids(http, customer) == [second.id, first.id]
    for _ in range(2):
        assert await ask(http, "DELETE", customer, second.id) == 204
    assert await ids(http, customer) == [first.id]


async def test_favourite_shows_the_present_profile(http: httpx.AsyncClient, container: Container) -> None:
    customer, shop = await register(http), await barber(http, container, neighbourhood="Mitte")
    await ask(http, "PUT", customer, shop.id)
    assert (await http.put("/v1/barbers/me/online", json={"is_online": True}, headers=shop.auth)).status_code == 200
    (one,) = await listed(http, customer)
    profile = (await http.get(f"/v1/barbers/{shop.id}")).json()
    services = one["barber"].pop("services")
    assert [service["service_id"] for service in services] == [service_id for service_id, _ in shop.services]
    assert one["barber"] == {name: profile[name] for name in one["barber"]}
    assert (one["barber"]["neighbourhood"], one["barber"]["is_online"]) == ("Mitte", True)


async def test_favourite_without_a_profile_can_be_removed(http: httpx.AsyncClient, container: Container) -> None:
    customer, shop = await register(http), await barber(http, container)
    await ask(http, "PUT", customer, shop.id)
    await http.delete("/v1/barbers/me", headers=shop.auth)
    ((one),) = await listed(http, customer)
    assert (one["barber_id"], one["barber"]) == (shop.id, None)
    assert await ask(http, "DELETE", customer, shop.id) == 204
    assert await listed(http, customer) == []


async def test_favourites_of_another_customer_are_invisible(http: httpx.AsyncClient, container: Container) -> None:
    customer, other, shop = await register(http), await register(http), await barber(http, container)
    await ask(http, "PUT", customer, shop.id)
    assert await ids(http, other) == []
    assert await ask(http, "DELETE", other, shop.id) == 204
    assert await ids(http, customer) == [shop.id]


async def test_favourite_of_an_unknown_barber_is_refused(http: httpx.AsyncClient) -> None:
    customer = await register(http)
    for method in ("PUT", "DELETE"):
        assert await ask(http, method, customer, str(uuid4())) == 404


async def test_favourites_beyond_the_bound_are_refused(http: httpx.AsyncClient, container: Container) -> None:
    """Concurrent requests respect the bound too."""
    customer, shops = await register(http), [await barber(http, container) for _ in range(3)]
    await full(container, customer, 2)
    wishes: list[Barber] = shops * 2
    statuses = await asyncio.gather(*(ask(http, "PUT", customer, shop.id) for shop in wishes))
    assert sorted(statuses) == [204, 204, 204, 204, 409, 409]
    found = await listed(http, customer, 100)
    assert len(found) == len({one["barber_id"] for one in found}) == MAX_FAVOURITES
    refused = await http.put(f"{FAVOURITES}/{(await barber(http, container)).id}", headers=customer.auth)
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_favourites")
    assert await ask(http, "DELETE", customer, found[-1]["barber_id"]) == 204
    assert sorted(await asyncio.gather(*(ask(http, "PUT", customer, shop.id) for shop in shops))) == [204, 204, 204]
