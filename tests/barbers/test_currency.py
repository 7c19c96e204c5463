"""The currency of a profile is in use somewhere, and cannot change while the profile has prices."""

import asyncio
from typing import Any

import httpx
import pytest

from grome.infrastructure.container import Container
from tests.builders.barbers import Barber, barber, catalogue_service
from tests.builders.people import Person, register

ME = "/v1/barbers/me"
PROFILE = {
    "name": "A chair",
    "location": {"lat": 52.52, "lng": 13.405},
    "timezone": "Europe/Berlin",
    "currency": "EUR",
}


async def put(http: httpx.AsyncClient, person: Person, path: str, body: dict[str, Any]) -> httpx.Response:
    return await http.put(f"{ME}{path}", json=body, headers=person.auth)


async def put_currency(http: httpx.AsyncClient, person: Person, currency: str) -> httpx.Response:
    return await put(http, person, "", {**PROFILE, "currency": currency})


async def stored(http: httpx.AsyncClient, person: Person) -> dict[str, Any]:
    profile: dict[str, Any] = (await http.get(ME, headers=person.auth)).json()
    return profile


@pytest.fixture
async def newcomer(http: httpx.AsyncClient) -> Person:
    person = await register(http, role="barber")
    assert (await put(http, person, "", PROFILE)).status_code == 200
    return person


@pytest.fixture
async def shop(http: httpx.AsyncClient, container: Container) -> Barber:
    return await barber(http, container, prices=(2300,))


class TestCodes:
    @pytest.mark.parametrize("code", ["ABC", "EUT", "XTS", "XXX", "XAU", "XDR", "CHE", "USN", "DEM", "BOV"])
    async def test_profile_with_an_unknown_currency_is_refused(
        self, http: httpx.AsyncClient, newcomer: Person, code: str
    ) -> None:
        refused = await put_currency(http, newcomer, code)
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid")
        assert refused.json()["errors"] == [{"field": "currency", "message": "is not a currency of ISO 4217"}]
        promo = {"code": f"NO-{code}", "amount": 500, "currency": code}
        refused = await http.post(f"{ME}/promos", json=promo, headers=newcomer.auth)
        assert [fault["field"] for fault in refused.json()["errors"]] == ["currency"]

    async def test_profile_accepts_currencies_in_use(self, http: httpx.AsyncClient, newcomer: Person) -> None:
        for code in ("EUR", "JPY", "KWD", "XOF", "XCG", "CHF", "VND"):
            assert (await put_currency(http, newcomer, code)).json()["currency"] == code

    async def test_profile_keeps_a_currency_that_is_no_longer_in_use(
        self, http: httpx.AsyncClient, container: Container, newcomer: Person
    ) -> None:
        await container.database["barbers"].update_one({"_id": newcomer.id}, {"$set": {"currency": "ZZZ"}})
        assert (await put_currency(http, newcomer, "ZZZ")).status_code == 200
        assert (await put_currency(http, newcomer, "EUR")).status_code == 200
        assert (await put_currency(http, newcomer, "ZZZ")).status_code == 422


class TestChange:
    @pytest.mark.parametrize(
        ("path", "amounts"),
        [
            ("/services", {"price": 2300}),
            ("/services", {"price": 0, "add_ons": [{"name": "Beard", "price": 900}]}),
            ("/terms", {"deposit": {"least": 500}}),
        ],
    )
    async def test_currency_with_stored_amounts_cannot_change(
        self, http: httpx.AsyncClient, container: Container, newcomer: Person, path: str, amounts: dict[str, Any]
    ) -> None:
        service = {"service_id": await catalogue_service(container), "duration_min": 30, **amounts}
        assert (await put(http, newcomer, path, {"services": [service]} if path == "/services" else amounts)).is_success
        refused = await put_currency(http, newcomer, "JPY")
        assert (refused.status_code, refused.json()["code"]) == (409, "currency_in_use")
        assert refused.json()["errors"][0]["field"] == "currency"
        assert (await stored(http, newcomer))["currency"] == "EUR"
        assert (await put(http, newcomer, "", {**PROFILE, "bio": "Another word."})).status_code == 200
        assert (await put(http, newcomer, path, {"services": []} if path == "/services" else {})).is_success
        assert (await put_currency(http, newcomer, "JPY")).status_code == 200

    async def test_offers_in_another_currency_are_refused(self, http: httpx.AsyncClient, shop: Barber) -> None:
        offer = {"service_id": shop.services[0][0], "duration_min": 30, "price": 230}
        refused = await put(http, shop.person, "/services", {"services": [offer], "currency": "JPY"})
        assert (refused.status_code, refused.json()["code"]) == (409, "currency_differs")
        assert (await put(http, shop.person, "/services", {"services": [offer], "currency": "EUR"})).is_success
        nobody = await register(http, role="barber")
        missing = await put(http, nobody, "/services", {"services": [], "currency": "EUR"})
        assert missing.json()["code"] == "profile_missing"

    async def test_concurrent_price_and_currency_leave_no_mixed_price(
        self, http: httpx.AsyncClient, container: Container, newcomer: Person
    ) -> None:
        """Prices in euros and a change to yen are sent together; in no order does a euro price become yen."""
        offer = {"service_id": await catalogue_service(container), "duration_min": 30, "price": 2300}
        priced = {"services": [offer], "currency": "EUR"}
        for _ in range(6):
            await put(http, newcomer, "/services", {"services": []})
            assert (await put_currency(http, newcomer, "EUR")).status_code == 200
            prices, change = await asyncio.gather(
                put(http, newcomer, "/services", priced), put_currency(http, newcomer, "JPY")
            )
            assert sorted((prices.status_code, change.status_code)) == [200, 409]
            profile = await stored(http, newcomer)
            assert (profile["currency"], bool(profile["services"])) in {("EUR", True), ("JPY", False)}
