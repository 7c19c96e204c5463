"""Series over HTTP: booked and refused visits, and changes of a booking and the following bookings."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from grome.infrastructure.container import Container
from grome.series.repository import SeriesRepository
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import ask, book, move, tomorrow
from tests.builders.people import Person, create_admin, register
from tests.builders.series import SERIES, a_series, ask_series, codes, wish

WEEK = timedelta(weeks=1)


@pytest.fixture
async def customer(http: httpx.AsyncClient) -> Person:
    return await register(http)


@pytest.fixture
async def shop(http: httpx.AsyncClient, container: Container) -> Barber:
    """Create a barber in a zone without summer time, so that all weeks are equally long."""
    return await barber(http, container, timezone="Asia/Tokyo")


async def count(container: Container, customer: Person) -> int:
    return await container.database["bookings"].count_documents({"customer_id": customer.id})


async def test_series_books_each_visit(
    http: httpx.AsyncClient, container: Container, customer: Person, shop: Barber
) -> None:
    made = await a_series(http, customer, {**wish(shop, tomorrow(9)), "note": "As always"})
    assert (codes(made), made["timezone"], made["repeat"]["count"]) == ([None] * 3, "Asia/Tokyo", 3)
    for number, one in enumerate(made["occurrences"]):
        booking = one["booking"]
        assert booking["scheduled_at"] == one["scheduled_at"] == f"{tomorrow(9) + number * WEEK:%Y-%m-%dT%H:%M:%S}Z"
        assert (booking["origin"], booking["series_id"], booking["customer_note"]) == (
            "series",
            made["id"],
            "As always",
        )
        assert (await http.get(f"/v1/bookings/{booking['id']}", headers=customer.auth)).json() == booking
    assert await count(container, customer) == 3


async def test_series_with_conflicts_books_the_other_visits(
    http: httpx.AsyncClient, container: Container, customer: Person
) -> None:
    """The conflicts are a taken time, a day off, a full day, and the end of the horizon."""
    shop = await barber(http, container, timezone="Asia/Tokyo", rules={"horizon_days": 40, "daily_cap": 1})
    other = await register(http)
    await book(http, other, shop, tomorrow(9) + WEEK)
    away = tomorrow(9) + 2 * WEEK
    off = {"starts_at": away.isoformat(), "ends_at": (away + timedelta(minutes=5)).isoformat()}
    assert (await http.post("/v1/barbers/me/time-off", json=off, headers=shop.auth)).status_code == 201
    await book(http, other, shop, tomorrow(12) + 3 * WEEK)
    expected = [None, "day_full", "time_off", "day_full", None, None, "beyond_horizon"]
    await http.put("/v1/barbers/me/rules", json={"horizon_days": 40, "min_notice_min": 0}, headers=shop.auth)
    expected[1], expected[3] = "slot_taken", None
    wanted = wish(shop, tomorrow(9), count=7)
    preview = await ask_series(http, customer, wanted, path="/preview")
    assert (preview.status_code, codes(preview.json())) == (200, expected)
    assert await count(container, customer) == 0
    made = await a_series(http, customer, wanted)
    assert codes(made) == expected
    assert [one["booking"] is None for one in made["occurrences"]] == [code is not None for code in expected]
    assert all(one["refused"]["detail"] for one in made["occurrences"] if one["refused"])
    assert await count(container, customer) == 4


async def test_series_respects_daily_caps(http: httpx.AsyncClient, container: Container, customer: Person) -> None:
    shop = await barber(http, container, timezone="Asia/Tokyo", rules={"daily_cap": 1})
    await book(http, await register(http), shop, tomorrow(12) + WEEK)
    wanted = wish(shop, tomorrow(9))
    assert codes((await ask_series(http, customer, wanted, path="/preview")).json()) == [None, "day_full", None]
    assert codes(await a_series(http, customer, wanted)) == [None, "day_full", None]


async def test_series_without_any_free_visit_is_refused(
    http: httpx.AsyncClient, container: Container, customer: Person, shop: Barber
) -> None:
    taken = await a_series(http, await register(http), wish(shop, tomorrow(9)))
    refused = await ask_series(http, customer, wish(shop, tomorrow(9)), key="k")
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_booked")
    assert [one["message"] for one in refused.json()["errors"]] == ["slot_taken"] * 3
    assert await container.database["series"].count_documents({"customer_id": customer.id}) == 0
    await move(http, shop.auth, taken["occurrences"][1]["booking"], "decline")
    assert codes(await a_series(http, customer, wish(shop, tomorrow(9)), key="k")) == ["slot_taken", None, "slot_taken"]


async def test_repeated_series_returns_the_first_response(
    http: httpx.AsyncClient, container: Container, customer: Person, shop: Barber
) -> None:
    other = await book(http, await register(http), shop, tomorrow(9) + WEEK)
    first = await ask_series(http, customer, wish(shop, tomorrow(9)), key="k")
    await move(http, shop.auth, other, "decline")
    await move(http, customer.auth, first.json()["occurrences"][0]["booking"], "cancel")
    again = await ask_series(http, customer, wish(shop, tomorrow(9)), key="k")
    assert (again.status_code, again.json()) == (201, first.json())
    reused = await ask_series(http, customer, wish(shop, tomorrow(9), count=4), key="k")
    assert reused.json()["code"] == "idempotency_key_reused"
    assert await count(container, customer) == 2


async def test_ten_concurrent_requests_create_one_series(
    http: httpx.AsyncClient, container: Container, customer: Person, shop: Barber
) -> None:
    wanted = wish(shop, tomorrow(9))
    answers = await asyncio.gather(*(ask_series(http, customer, wanted, key="k") for _ in range(10)))
    assert {one.json().get("code") for one in answers if one.status_code != 201} <= {"idempotency_key_in_flight"}
    again = await a_series(http, customer, wanted, key="k")
    assert codes(again) == [None] * 3
    assert [one.json() for one in answers if one.status_code == 201] == [again] * sum(
        one.status_code == 201 for one in answers
    )
    assert await count(container, customer) == 3


async def test_interrupted_series_is_completed_by_a_repeat(
    http: httpx.AsyncClient, container: Container, customer: Person, shop: Barber
) -> None:
    """A process died after two of three bookings; the remaining time may be taken by now."""
    made = await a_series(http, customer, wish(shop, tomorrow(9)), key="k")
    first, second, third = (one["booking"] for one in made["occurrences"])
    stored = container.database["series"]
    await stored.update_one({"customer_id": customer.id}, {"$set": {"is_made": False}})
    await container.database["bookings"].delete_one(
        {"customer_id": customer.id, "scheduled_at": tomorrow(9) + 2 * WEEK}
    )
    await book(http, await register(http), shop, tomorrow(9) + 2 * WEEK)
    resumed = await a_series(http, customer, wish(shop, tomorrow(9)), key="k")
    assert [one["booking"] for one in resumed["occurrences"]] == [first, second, None]
    assert (resumed["id"], codes(resumed)) == (made["id"], [None, None, "slot_taken"])
    assert third["id"] not in {first["id"], second["id"]}
    series = await SeriesRepository(container.database).find_by_key(customer.id, "k")
    assert series is not None
    assert series.is_made


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "neither": ({"count": None}, "repeat"),
    "both": ({"count": 3, "until": "2027-01-01"}, "repeat"),
    "one": ({"count": 1}, "repeat.count"),
    "too many": ({"count": 27}, "repeat.count"),
    "until before the first": ({"until": "2020-01-01"}, "repeat.until"),
    "until too late": ({"until": "9999-12-31"}, "repeat.until"),
    "too seldom": ({"interval": 9}, "repeat.interval"),
    "daily": ({"every": "day"}, "repeat.every"),
}


@pytest.mark.parametrize(("repeat", "field"), BAD.values(), ids=BAD)
async def test_series_with_an_invalid_rule_is_refused(
    http: httpx.AsyncClient, customer: Person, shop: Barber, repeat: dict[str, Any], field: str
) -> None:
    for path in ("", "/preview"):
        refused = await ask_series(http, customer, wish(shop, tomorrow(9), **repeat), path=path)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:00Z"])
async def test_series_with_a_distant_first_visit_is_refused(
    http: httpx.AsyncClient, customer: Person, shop: Barber, moment: str
) -> None:
    wanted = {**wish(shop, tomorrow(9)), "scheduled_at": moment}
    refused = await ask_series(http, customer, wanted)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "scheduled_at")


async def test_series_is_visible_to_its_customer_and_barber_only(
    http: httpx.AsyncClient, container: Container, customer: Person, shop: Barber
) -> None:
    made = await a_series(http, customer, wish(shop, tomorrow(9)))
    await move(http, shop.auth, made["occurrences"][1]["booking"], "accept")
    for person in (customer, shop.person, await create_admin(http, container)):
        read = await http.get(f"{SERIES}/{made['id']}", headers=person.auth)
        assert read.status_code == 200
        states = [one["booking"]["status"] for one in read.json()["occurrences"]]
        assert states == ["requested", "accepted", "requested"]
    for person in (await register(http), (await barber(http, container)).person):
        assert (await http.get(f"{SERIES}/{made['id']}", headers=person.auth)).status_code == 404


async def cancel_following(http: httpx.AsyncClient, auth: dict[str, str], booking: dict[str, Any]) -> httpx.Response:
    return await http.post(f"/v1/bookings/{booking['id']}/series/cancel", json={"note": "Moved away"}, headers=auth)


async def test_cancelling_ends_a_booking_and_the_following(
    http: httpx.AsyncClient, customer: Person, shop: Barber
) -> None:
    made = await a_series(http, customer, wish(shop, tomorrow(9), count=4))
    first, second, third, fourth = (one["booking"] for one in made["occurrences"])
    await move(http, shop.auth, third, "decline")
    told = await cancel_following(http, customer.auth, second)
    assert told.status_code == 200
    assert [one["booking_id"] for one in told.json()["items"]] == [second["id"], fourth["id"]]
    assert {(one["booking"]["status"], one["booking"]["reason"]) for one in told.json()["items"]} == {
        ("cancelled", "customer")
    }
    assert (await http.get(f"/v1/bookings/{first['id']}", headers=customer.auth)).json()["status"] == "requested"
    assert (await ask(http, await register(http), shop, tomorrow(9) + WEEK)).status_code == 201
    assert (await cancel_following(http, customer.auth, second)).json() == {"items": []}


async def test_cancelling_requires_access_and_a_series(http: httpx.AsyncClient, customer: Person, shop: Barber) -> None:
    made = await a_series(http, customer, wish(shop, tomorrow(9)))
    single = await book(http, customer, shop, tomorrow(15))
    assert (await cancel_following(http, customer.auth, single)).json()["code"] == "not_in_series"
    stranger = await register(http)
    assert (await cancel_following(http, stranger.auth, made["occurrences"][0]["booking"])).status_code == 404
    told = await cancel_following(http, shop.auth, made["occurrences"][0]["booking"])
    assert {one["booking"]["reason"] for one in told.json()["items"]} == {"barber"}


async def reschedule_following(
    http: httpx.AsyncClient, auth: dict[str, str], booking: dict[str, Any], start: datetime
) -> list[dict[str, Any]]:
    path = f"/v1/bookings/{booking['id']}/series/reschedule"
    response = await http.post(path, json={"scheduled_at": start.isoformat()}, headers=auth)
    assert response.status_code == 200, response.text
    items: list[dict[str, Any]] = response.json()["items"]
    return items


@pytest.mark.parametrize("shift", [WEEK, -WEEK, timedelta(minutes=10), timedelta(minutes=-10)])
async def test_rescheduling_shifts_a_booking_and_the_following(
    http: httpx.AsyncClient, customer: Person, shop: Barber, shift: timedelta
) -> None:
    """A booking can take the time of its neighbour, because the neighbour is shifted first."""
    made = await a_series(http, customer, wish(shop, tomorrow(9) + 2 * WEEK, count=4))
    first, second, third, fourth = (one["booking"] for one in made["occurrences"])
    await move(http, customer.auth, first, "cancel")
    told = await reschedule_following(http, customer.auth, second, tomorrow(9) + 3 * WEEK + shift)
    assert [one["booking_id"] for one in told] == [second["id"], third["id"], fourth["id"]]
    assert [one["booking"]["scheduled_at"] for one in told] == [
        f"{tomorrow(9) + number * WEEK + shift:%Y-%m-%dT%H:%M:%S}Z" for number in (3, 4, 5)
    ]


async def test_rescheduling_keeps_the_time_of_a_refused_booking(
    http: httpx.AsyncClient, customer: Person, shop: Barber
) -> None:
    made = await a_series(http, customer, wish(shop, tomorrow(9)))
    first, second, third = (one["booking"] for one in made["occurrences"])
    await book(http, await register(http), shop, tomorrow(10) + WEEK)
    told = await reschedule_following(http, customer.auth, first, tomorrow(10))
    assert [one["booking_id"] for one in told] == [first["id"], second["id"], third["id"]]
    assert [one["refused"] and one["refused"]["code"] for one in told] == [None, "slot_taken", None]
    kept = (await http.get(f"/v1/bookings/{second['id']}", headers=customer.auth)).json()
    assert kept == second
