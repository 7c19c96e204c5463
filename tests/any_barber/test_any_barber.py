"""Slots and bookings with any free barber: candidates, order, and no barber booked twice."""

import asyncio
import itertools
from collections import Counter
from datetime import datetime
from typing import Any

import httpx
import pytest

from grome.infrastructure.container import Container
from tests.builders.barbers import Barber, barber, catalogue_service
from tests.builders.bookings import ask, book, move, tomorrow
from tests.builders.people import Person, register
from tests.builders.world import Place, destination

# Open sea, where each test has a stretch of its own.
_stretches = itertools.count()


@pytest.fixture
def place() -> Place:
    return -38.0, 80.0 + next(_stretches)


@pytest.fixture
async def cut(container: Container) -> str:
    return await catalogue_service(container)


@pytest.fixture
async def customer(http: httpx.AsyncClient) -> Person:
    return await register(http)


async def chair(
    http: httpx.AsyncClient, container: Container, place: Place, metres: float, prices: dict[str, int], **more: Any
) -> Barber:
    """Create a barber east of the place, with half-hour services at these prices; in UTC."""
    lat, lng = destination(place, metres, 90)
    made = await barber(http, container, durations=(), location={"lat": lat, "lng": lng}, timezone="UTC", **more)
    offers = [{"service_id": one, "price": price, "duration_min": 30} for one, price in prices.items()]
    response = await http.put("/v1/barbers/me/services", json={"services": offers}, headers=made.auth)
    assert response.status_code == 200
    return Barber(made.person, [(one, 30) for one in prices])


async def slots(http: httpx.AsyncClient, place: Place, *services: str, **more: Any) -> dict[str, Any]:
    day = str(tomorrow(9).date())
    query = {"lat": place[0], "lng": place[1], "service_ids": ",".join(services), "from": day, "to": day, **more}
    response = await http.get("/v1/slots", params=query)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def at(found: dict[str, Any], moment: datetime) -> list[str]:
    """Return the barbers that are free at a start."""
    start = f"{moment:%Y-%m-%dT%H:%M:%S}Z"
    return next((slot["barber_ids"] for slot in found["slots"] if slot["start"] == start), [])


async def ask_any(
    http: httpx.AsyncClient, customer: Person, place: Place, *services: str, key: str | None = None, **more: Any
) -> httpx.Response:
    wanted = {
        "lat": place[0], "lng": place[1], "service_ids": services, "scheduled_at": tomorrow(9).isoformat(), **more
    }  # fmt: skip
    headers = {**customer.auth, **({"Idempotency-Key": key} if key else {})}
    return await http.post("/v1/bookings/any", json=wanted, headers=headers)


async def test_slots_name_the_free_barbers(
    http: httpx.AsyncClient, container: Container, customer: Person, place: Place, cut: str
) -> None:
    shave = await catalogue_service(container)
    near = await chair(http, container, place, 500, {cut: 3000, shave: 1500}, name="Near")
    far = await chair(http, container, place, 2_000, {shave: 1000, cut: 2000})
    await chair(http, container, place, 100, {cut: 1000})  # no shaves
    await chair(http, container, place, 5_100, {cut: 1000, shave: 1000})  # too far away
    await book(http, customer, near, tomorrow(9))
    found = await slots(http, place, cut, shave)
    assert [one["id"] for one in found["barbers"]] == [near.id, far.id]
    first = found["barbers"][0]
    assert (first["price"], first["currency"], first["duration_min"], first["name"]) == (4500, "EUR", 60, "Near")
    assert first["distance_m"] == pytest.approx(500, abs=0.5)
    assert at(found, tomorrow(10)) == [near.id, far.id]
    assert at(found, tomorrow(8, 5)) == at(found, tomorrow(9, 25)) == [far.id]
    assert [slot["start"] for slot in found["slots"]] == sorted({slot["start"] for slot in found["slots"]})
    assert [one["id"] for one in (await slots(http, place, cut, shave, price_max=4000))["barbers"]] == [far.id]
    assert await slots(http, place, cut, shave, radius_km=0.4) == {"barbers": [], "slots": []}


async def test_slots_of_a_barber_equal_the_barbers_own_list(
    http: httpx.AsyncClient, container: Container, customer: Person, place: Place, cut: str
) -> None:
    """Each date is local to the barber, in any time zone."""
    hours = {
        day: {"is_available": True, "start_time": "22:00", "end_time": "02:00"}
        for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    }
    zones = ("Pacific/Auckland", "America/New_York")
    shops = [await chair(http, container, place, 10, {cut: 1}, hours=hours) for zone in zones]
    for shop, zone in zip(shops, zones, strict=True):
        lat, lng = destination(place, 10, 90)
        profile = {"name": zone, "location": {"lat": lat, "lng": lng}, "timezone": zone, "currency": "EUR"}
        assert (await http.put("/v1/barbers/me", json=profile, headers=shop.auth)).status_code == 200
        await book(http, customer, shop, datetime.fromisoformat((await own_starts(http, shop))[3]))
    found = await slots(http, place, cut)
    for shop in shops:
        listed = [slot["start"] for slot in found["slots"] if shop.id in slot["barber_ids"]]
        assert listed == await own_starts(http, shop)
        assert listed


async def own_starts(http: httpx.AsyncClient, shop: Barber) -> list[str]:
    day = str(tomorrow(9).date())
    query = {"from": day, "to": day, "service_ids": shop.services[0][0]}
    (told,) = (await http.get(f"/v1/barbers/{shop.id}/slots", params=query)).json()["days"]
    return [slot["start"] for slot in told["slots"]]


async def test_booking_takes_the_nearest_free_barber(
    http: httpx.AsyncClient, container: Container, customer: Person, place: Place, cut: str
) -> None:
    far = await chair(http, container, place, 900, {cut: 2000})
    near = await chair(http, container, place, 300, {cut: 3000})
    closed = await chair(http, container, place, 100, {cut: 1000}, rules={"min_notice_min": 7 * 24 * 60})
    booked = []
    for expected in (near, far):
        response = await ask_any(http, customer, place, cut, note="Anybody")
        assert response.status_code == 201, response.text
        booked.append(response.json())
        assert (booked[-1]["barber_id"], booked[-1]["origin"]) == (expected.id, "any_barber")
    assert (booked[0]["price"], booked[0]["customer_note"]) == (3000, "Anybody")
    nobody = await ask_any(http, customer, place, cut)
    assert (nobody.status_code, nobody.json()["code"]) == (409, "nobody_free")
    await move(http, near.auth, booked[0], "decline")
    assert (await ask_any(http, customer, place, cut, price_max=2999)).json()["code"] == "nobody_free"
    assert (await ask_any(http, customer, place, cut)).json()["barber_id"] == near.id
    assert closed.id not in {one["barber_id"] for one in booked}


async def test_forty_concurrent_bookings_share_five_barbers(
    http: httpx.AsyncClient, container: Container, place: Place, cut: str
) -> None:
    shops = [await chair(http, container, place, 100 * number, {cut: 1000}) for number in range(5)]
    people = [await register(http) for _ in range(8)]
    answers = await asyncio.gather(*(ask_any(http, people[number % 8], place, cut) for number in range(40)))
    assert Counter((one.status_code, one.json().get("code")) for one in answers) == {
        (201, None): 5,
        (409, "nobody_free"): 35,
    }
    won = [one.json()["barber_id"] for one in answers if one.status_code == 201]
    assert sorted(won) == sorted(shop.id for shop in shops)
    assert at(await slots(http, place, cut), tomorrow(9)) == []


async def test_repeated_booking_returns_the_first_response(
    http: httpx.AsyncClient, container: Container, customer: Person, place: Place, cut: str
) -> None:
    shops = [await chair(http, container, place, 100 * number, {cut: 1000}) for number in range(3)]
    answers = await asyncio.gather(*(ask_any(http, customer, place, cut, key="k") for _ in range(5)))
    again = await ask_any(http, customer, place, cut, key="k")
    assert again.status_code == 201
    assert {one.text for one in answers if one.status_code == 201} == {again.text}
    assert {one.json()["code"] for one in answers if one.status_code != 201} <= {"idempotency_key_in_flight"}
    assert await container.database["bookings"].count_documents({"customer_id": customer.id}) == 1
    assert (await ask_any(http, customer, place, cut, key="k", radius_km=7)).json()["code"] == "idempotency_key_reused"
    other = await ask(http, customer, shops[2], tomorrow(15), key="k")
    assert other.json()["code"] == "idempotency_key_reused"


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"to": "2000-01-01"}, "to"),
        ({"from": "2027-01-01", "to": "2027-01-08"}, "to"),
        ({"radius_km": 51}, "radius_km"),
    ],
)
async def test_invalid_query_names_the_field(
    http: httpx.AsyncClient, place: Place, cut: str, changed: dict[str, Any], field: str
) -> None:
    day = str(tomorrow(9).date())
    query = {"lat": place[0], "lng": place[1], "service_ids": cut, "from": day, "to": day, **changed}
    response = await http.get("/v1/slots", params=query)
    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, field)


async def test_booking_with_a_repeated_service_is_refused(
    http: httpx.AsyncClient, customer: Person, place: Place, cut: str
) -> None:
    assert (await ask_any(http, customer, place, cut, cut)).json()["errors"][0]["field"] == "service_ids"
