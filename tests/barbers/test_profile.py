"""Barbers manage profile, offers, hours, rules and the online switch over HTTP."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from grome.infrastructure.container import Container
from grome.scheduling.models import OfferRules
from tests.builders.barbers import ALWAYS_OPEN, Barber, barber, catalogue_service
from tests.builders.people import Person, create_admin, register

ME = "/v1/barbers/me"
PROFILE = {
    "name": "Chair Nº 5",
    "bio": "Since 1998.\nNo appointments on rainy days.",
    "location": {"lat": 52.5, "lng": 13.25},
    "timezone": "Europe/Berlin",
    "currency": "EUR",
    "neighbourhood": "Westend",
    "service_radius_km": 7.5,
}
SETTINGS: dict[str, dict[str, Any]] = {
    "/services": {"services": []},
    "/hours": ALWAYS_OPEN,
    "/rules": {},
    "/house-calls": {},
    "/terms": {},
    "/overrides/2027-03-01": {"hours": None},
    "/holidays": {"holidays": None},
    "/online": {"is_online": True},
}


@pytest.fixture
async def newcomer(http: httpx.AsyncClient) -> Person:
    """Register a barber without a profile."""
    return await register(http, role="barber")


@pytest.fixture
async def shop(http: httpx.AsyncClient, container: Container) -> Barber:
    return await barber(http, container, durations=(30, 45))


async def put(http: httpx.AsyncClient, person: Person, path: str, wanted: dict[str, Any]) -> dict[str, Any]:
    """Return the profile of the response, and assert that it equals the public profile."""
    response = await http.put(f"{ME}{path}", json=wanted, headers=person.auth)
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    assert (await http.get(f"/v1/barbers/{person.id}")).json() == answer
    assert (await http.get(ME, headers=person.auth)).json() == answer
    return answer


async def faults(http: httpx.AsyncClient, person: Person, path: str, wanted: dict[str, Any]) -> list[str]:
    """Return the fields that the errors name."""
    response = await http.put(f"{ME}{path}", json=wanted, headers=person.auth)
    assert (response.status_code, response.json()["code"]) == (422, "invalid"), response.text
    return [fault["field"] for fault in response.json()["errors"]]


async def test_new_profile_is_offline_without_offers_and_hours(http: httpx.AsyncClient, newcomer: Person) -> None:
    answer = await put(http, newcomer, "", PROFILE)
    assert answer["id"] == str(newcomer.id)
    assert answer["name"] == PROFILE["name"]
    assert {name: answer[name] for name in PROFILE if name != "name"} == {
        name: value for name, value in PROFILE.items() if name != "name"
    }
    assert (answer["rating"], answer["reviews_count"], answer["is_online"], answer["services"]) == (None, 0, False, [])
    assert {day["is_available"] for day in answer["availability"].values()} == {False}
    assert answer["rules"] == {
        "slot_step_min": 15, "min_notice_min": 60, "horizon_days": 60, "buffer_before_min": 0, "buffer_after_min": 0,
        "daily_cap": None, "auto_accept": False,
    }  # fmt: skip
    assert answer["house_calls"] == {"minutes_per_km": 3.0, "least_travel_min": 10}
    assert answer["terms"] == {
        "cancellation": {
            "cancel_notice_min": 0, "reschedule_notice_min": 0, "late_refund_percent": 100, "no_show_refund_percent": 0,
        },
        "deposit": {"percent": 0, "least": 0},
    }  # fmt: skip


async def test_changed_profile_keeps_the_other_settings(http: httpx.AsyncClient, shop: Barber) -> None:
    before = (await http.get(f"/v1/barbers/{shop.id}")).json()
    after = await put(http, shop.person, "", {**PROFILE, "timezone": "Asia/Tokyo"})
    kept = ("services", "availability", "rules", "is_online", "rating", "reviews_count")
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    assert (after["name"], after["timezone"]) == (PROFILE["name"], "Asia/Tokyo")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"timezone": "Europe/Bielefeld"}, "timezone"),
        ({"timezone": "../etc/passwd"}, "timezone"),
        ({"currency": "eur"}, "currency"),
        ({"currency": "EUR\n"}, "currency"),
        ({"name": ""}, "name"),
        ({"name": "Chair\n"}, "name"),
        ({"bio": "a" * 2001}, "bio"),
        ({"location": {"lat": 90.1, "lng": 0}}, "location.lat"),
        ({"location": {"lat": 0, "lng": -180.1}}, "location.lng"),
        ({"location": {"lat": 0}}, "location.lng"),
        ({"location": [0, 0]}, "location"),
        ({"neighbourhood": "Mitte\n"}, "neighbourhood"),
        ({"service_radius_km": 50.5}, "service_radius_km"),
        ({"service_radius_km": -1}, "service_radius_km"),
        ({"rating": 5}, "rating"),
    ],
)
async def test_invalid_profile_names_the_fields(
    http: httpx.AsyncClient, newcomer: Person, wrong: dict[str, Any], field: str
) -> None:
    assert await faults(http, newcomer, "", {**PROFILE, **wrong}) == [field]
    assert (await http.get(ME, headers=newcomer.auth)).status_code == 404


@pytest.mark.parametrize("path", SETTINGS)
async def test_settings_without_a_profile_are_refused(http: httpx.AsyncClient, newcomer: Person, path: str) -> None:
    response = await http.put(f"{ME}{path}", json=SETTINGS[path], headers=newcomer.auth)
    assert (response.status_code, response.json()["code"]) == (409, "profile_missing")


async def test_settings_by_a_customer_are_forbidden(http: httpx.AsyncClient, container: Container) -> None:
    people = [await register(http), await create_admin(http, container)]
    for path, wanted in {"": PROFILE, **SETTINGS}.items():
        assert (await http.put(f"{ME}{path}", json=wanted)).status_code == 401
        for person in people:
            assert (await http.put(f"{ME}{path}", json=wanted, headers=person.auth)).status_code == 403
    assert (await http.get(f"/v1/barbers/{uuid4()}")).status_code == 404


async def test_offers_are_replaced_with_names_of_the_catalogue(
    http: httpx.AsyncClient, container: Container, shop: Barber
) -> None:
    name = f"Trim of {shop.id}"
    trim = await catalogue_service(container, name=name)
    offers = [
        {"service_id": trim, "price": 0, "duration_min": 480},
        {"service_id": shop.services[0][0], "price": 10**9, "duration_min": 5},
    ]
    answer = await put(http, shop.person, "/services", {"services": offers})
    plain = {"rules": dict.fromkeys(OfferRules.__struct_fields__), "processing": None, "add_ons": []}
    assert [{**offer, "name": None} for offer in answer["services"]] == [
        {**offer, **plain, "currency": "EUR", "name": None} for offer in offers
    ]
    assert answer["services"][0]["name"] == name
    assert (await put(http, shop.person, "/services", {"services": []}))["services"] == []


async def test_invalid_offers_name_the_fields(http: httpx.AsyncClient, shop: Barber) -> None:
    (one, _), (other, _) = shop.services
    sound = {"service_id": one, "price": 100, "duration_min": 30}
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"service_id": str(uuid4())}, "services[1].service_id"),
        ({"service_id": one}, "services[1].service_id"),
        ({"service_id": "x"}, "services[1].service_id"),
        ({"service_id": other, "price": -1}, "services[1].price"),
        ({"service_id": other, "price": 10**9 + 1}, "services[1].price"),
        ({"service_id": other, "price": 9.5}, "services[1].price"),
        ({"service_id": other, "duration_min": 0}, "services[1].duration_min"),
        ({"service_id": other, "duration_min": 31}, "services[1].duration_min"),
        ({"service_id": other, "duration_min": 485}, "services[1].duration_min"),
        ({"service_id": other, "name": "Mine"}, "services[1].name"),
    ]
    before = (await http.get(ME, headers=shop.auth)).json()
    for changed, field in wrong:
        assert await faults(http, shop.person, "/services", {"services": [sound, {**sound, **changed}]}) == [field]
    assert await faults(http, shop.person, "/services", {"services": [sound] * 51}) == ["services"]
    gap = {"after_min": 10, "duration_min": 20}
    several = [sound, sound, {**sound, "service_id": str(uuid4())}, {**sound, "service_id": other, "processing": gap}]
    assert await faults(http, shop.person, "/services", {"services": several}) == [
        "services[1].service_id",
        "services[2].service_id",
        "services[3].processing",
    ]
    assert (await http.get(ME, headers=shop.auth)).json() == before


async def test_hours_with_breaks_are_stored(http: httpx.AsyncClient, shop: Barber) -> None:
    late = {
        "is_available": True,
        "start_time": "18:00",
        "end_time": "02:00",
        "breaks": [{"start_time": "23:45", "end_time": "00:15"}],
    }
    closed = {"is_available": False, "start_time": "09:00", "end_time": "17:00", "breaks": []}
    hours = dict.fromkeys(ALWAYS_OPEN, closed) | {"friday": late}
    assert (await put(http, shop.person, "/hours", hours))["availability"] == hours


async def test_hours_with_invalid_breaks_name_each_break(http: httpx.AsyncClient, shop: Barber) -> None:
    def day(*breaks: tuple[str, str]) -> dict[str, Any]:
        spans = [{"start_time": start, "end_time": end} for start, end in breaks]
        return {"is_available": True, "start_time": "09:00", "end_time": "17:00", "breaks": spans}

    hours = {**ALWAYS_OPEN, "monday": day(("08:00", "09:30")), "sunday": day(("12:00", "13:00"), ("12:30", "18:00"))}
    assert await faults(http, shop.person, "/hours", hours) == [
        "monday.breaks[0].start_time",
        "sunday.breaks[1].end_time",
    ]
    assert await faults(http, shop.person, "/hours", {**ALWAYS_OPEN, "monday": {**day(), "end_time": "17:03"}}) == [
        "monday.end_time"
    ]
    assert await faults(http, shop.person, "/hours", {"monday": day()}) == list(ALWAYS_OPEN)[1:]


async def test_rules_are_replaced_completely(http: httpx.AsyncClient, shop: Barber) -> None:
    rules = {
        "slot_step_min": 20, "min_notice_min": 90, "horizon_days": 14, "buffer_before_min": 5, "buffer_after_min": 10,
        "daily_cap": 7, "auto_accept": True,
    }  # fmt: skip
    assert (await put(http, shop.person, "/rules", rules))["rules"] == rules
    assert (await put(http, shop.person, "/rules", {"slot_step_min": 30}))["rules"] == {
        **rules, "slot_step_min": 30, "min_notice_min": 60, "horizon_days": 60, "buffer_before_min": 0,
        "buffer_after_min": 0, "daily_cap": None, "auto_accept": False,
    }  # fmt: skip
    assert await faults(http, shop.person, "/rules", {"slot_step_min": 7}) == ["slot_step_min"]
    assert await faults(http, shop.person, "/rules", {"daily_cap": 0}) == ["daily_cap"]


async def test_online_switch_shows_in_the_profile(http: httpx.AsyncClient, shop: Barber) -> None:
    for is_online in (True, True, False):
        assert (await put(http, shop.person, "/online", {"is_online": is_online}))["is_online"] is is_online
    assert await faults(http, shop.person, "/online", {"is_online": 1}) == ["is_online"]


async def test_removed_profile_is_missing_and_can_be_created_again(http: httpx.AsyncClient, shop: Barber) -> None:
    assert (await http.delete(ME, headers=shop.auth)).status_code == 204
    for address in (ME, f"/v1/barbers/{shop.id}", f"/v1/barbers/{shop.id}/slots"):
        query = {"from": "2030-01-01", "to": "2030-01-02", "service_ids": shop.services[0][0]}
        response = await http.get(address, params=query if "slots" in address else {}, headers=shop.auth)
        assert (response.status_code, response.json()["code"]) == (404, "not_found"), address
    assert (await http.delete(ME, headers=shop.auth)).status_code == 404
    answer = await put(http, shop.person, "", PROFILE)
    assert (answer["services"], answer["is_online"]) == ([], False)
