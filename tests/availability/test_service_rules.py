"""Test rules, processing gaps and add-ons of services over HTTP."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from grome.infrastructure.container import Container
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import ask, book, tomorrow
from tests.builders.people import register
from tests.builders.slots import ME, asked_slots, change, daily, free, offer, refused_for
from tests.conftest import AdjustableClock

DAY = tomorrow(0).date()


async def shop_of(
    http: httpx.AsyncClient,
    container: Container,
    *durations: int,
    hours: tuple[str, str] = ("09:00", "12:00"),
    **rules: Any,
) -> Barber:
    """Create a barber in UTC, with starts every five minutes by default."""
    return await barber(http, container, durations=durations, hours=daily(*hours), rules=rules, timezone="Etc/UTC")


async def test_strictest_rules_of_several_services_apply(
    http: httpx.AsyncClient, container: Container, clock: AdjustableClock
) -> None:
    clock.set(tomorrow(15) - timedelta(days=1))
    shop = await shop_of(http, container, 30, 30, slot_step_min=15, horizon_days=20)
    quick = {"rules": {"slot_step_min": 20, "horizon_days": 5}}
    planned = {"rules": {"slot_step_min": 60, "min_notice_min": 3 * 24 * 60, "horizon_days": 30}}
    await offer(http, shop, quick, planned)

    async def days(*services: int) -> dict[int, list[str]]:
        """Return the starts of each day with starts, by its number from tomorrow on."""
        ids = ",".join(shop.services[number][0] for number in services)
        response = await asked_slots(http, shop, DAY, DAY + timedelta(days=30), service_ids=ids)
        listed = {n: [slot["start"][11:16] for slot in day["slots"]] for n, day in enumerate(response.json()["days"])}
        return {n: starts for n, starts in listed.items() if starts}

    soon, late, both = await days(0), await days(1), await days(0, 1)
    assert (list(soon), list(both), list(late)) == ([0, 1, 2, 3, 4], [3, 4], list(range(3, 30)))
    assert soon[4][:3] == ["09:00", "09:20", "09:40"]
    assert late[4] == ["09:00", "10:00", "11:00"]
    assert both[4] == ["09:00", "10:00", "11:00"]
    refused = await ask(http, await register(http), shop, tomorrow(9), services=(0, 1))
    assert refused_for(refused) == "too_soon"


@pytest.mark.parametrize(("services", "status"), [((0,), "requested"), ((1,), "accepted"), ((1, 0), "requested")])
async def test_booking_is_auto_accepted_only_if_all_services_auto_accept(
    http: httpx.AsyncClient, container: Container, services: tuple[int, ...], status: str
) -> None:
    shop = await shop_of(http, container, 30, 30)
    await offer(http, shop, {}, {"rules": {"auto_accept": True}})
    booking = await book(http, await register(http), shop, tomorrow(9), services=services)
    assert (booking["status"], booking["awaits"]) == (status, "barber" if status == "requested" else None)


@pytest.mark.parametrize(
    ("services", "left"),
    [((0, 1), ["09:00", "11:30"]), ((1, 0), ["09:00", "09:15", "09:30", "11:00", "11:15", "11:30"])],
)
async def test_buffers_are_of_the_first_and_the_last_service(
    http: httpx.AsyncClient, container: Container, services: tuple[int, ...], left: list[str]
) -> None:
    """30 minutes before the first service, 20 minutes after the second, and no buffers in the barber's rules."""
    shop = await shop_of(http, container, 30, 30, 30, slot_step_min=15)
    before, after = {"rules": {"buffer_before_min": 30}}, {"rules": {"buffer_after_min": 20}}
    await offer(http, shop, before, after, {})
    await book(http, await register(http), shop, tomorrow(10), services=services)
    assert await free(http, shop, DAY, 2) == left


@pytest.fixture
async def colourist(http: httpx.AsyncClient, container: Container) -> Barber:
    """Offers colour (90 minutes, with a gap from minute 30 to 60), a cut, a trim and a long cut."""
    shop = await shop_of(http, container, 90, 30, 20, 35)
    await offer(http, shop, {"processing": {"after_min": 30, "duration_min": 30}}, {}, {}, {})
    return shop


async def test_visit_fits_into_the_processing_gap_of_another_visit(http: httpx.AsyncClient, colourist: Barber) -> None:
    customer = await register(http)
    coloured = await book(http, customer, colourist, tomorrow(9))
    assert coloured["ends_at"] == f"{DAY}T10:30:00Z"
    assert (await free(http, colourist, DAY, 1))[:2] == ["09:30", "10:30"]
    assert (await free(http, colourist, DAY, 2))[:4] == ["09:30", "09:35", "09:40", "10:30"]
    assert (await free(http, colourist, DAY, 3))[0] == "10:30"
    assert (await ask(http, customer, colourist, tomorrow(9, 30), services=(3,))).json()["code"] == "slot_taken"
    assert (await ask(http, customer, colourist, tomorrow(9, 25), services=(2,))).json()["code"] == "slot_taken"
    await book(http, customer, colourist, tomorrow(9, 30), services=(1,))
    assert (await free(http, colourist, DAY, 2))[0] == "10:30"
    # A second colour does not fit into the gap, not even with alternating work.
    assert await free(http, colourist, DAY) == ["10:30"]


async def test_visit_in_a_processing_gap_needs_its_buffers(http: httpx.AsyncClient, colourist: Barber) -> None:
    gap = {"processing": {"after_min": 30, "duration_min": 30}}
    await offer(http, colourist, gap, {}, {"rules": {"buffer_before_min": 5, "buffer_after_min": 5}}, {})
    await book(http, await register(http), colourist, tomorrow(9))
    assert (await free(http, colourist, DAY, 2))[:2] == ["09:35", "10:35"]
    await offer(http, colourist, gap, {}, {"rules": {"buffer_before_min": 5, "buffer_after_min": 10}}, {})
    assert (await free(http, colourist, DAY, 2))[0] == "10:35"


async def test_two_visits_can_interleave_in_their_processing_gaps(
    http: httpx.AsyncClient, container: Container
) -> None:
    """Each visit has a gap from minute 30 to 60 of 90; the second visit begins in the first gap."""
    shop = await shop_of(http, container, 90, hours=("09:00", "11:00"))
    await offer(http, shop, {"processing": {"after_min": 30, "duration_min": 30}})
    customer = await register(http)
    await book(http, customer, shop, tomorrow(9))
    assert await free(http, shop, DAY) == ["09:30"]
    await book(http, customer, shop, tomorrow(9, 30))


async def test_each_service_of_a_booking_has_its_gap(http: httpx.AsyncClient, colourist: Barber) -> None:
    customer = await register(http)
    await book(http, customer, colourist, tomorrow(9), services=(1, 0))  # a cut first: colour from 9:30, gap at 10:00
    assert (await free(http, colourist, DAY, 1))[:2] == ["10:00", "11:00"]
    await book(http, customer, colourist, tomorrow(10), services=(1,))


@pytest.mark.parametrize("works", [(30, 60), (85, 5), (5, 480)])
async def test_processing_gap_up_to_the_end_of_its_service_is_refused(
    http: httpx.AsyncClient, container: Container, works: tuple[int, int]
) -> None:
    shop = await shop_of(http, container, 90)
    wanted = {"service_id": shop.services[0][0], "price": 100, "duration_min": 90}
    processing = {"after_min": works[0], "duration_min": works[1]}
    body = {"services": [{**wanted, "processing": processing}]}
    response = await http.put(f"{ME}/services", json=body, headers=shop.auth)
    assert response.status_code == 422
    assert response.json()["errors"][0]["field"].startswith("services[0].processing")


async def test_add_ons_extend_duration_and_price(http: httpx.AsyncClient, container: Container) -> None:
    shop = await shop_of(http, container, 30, 20, hours=("09:00", "10:00"), slot_step_min=5)
    beard = {"name": "Beard", "price": 700, "duration_min": 10}
    cut, trim = await offer(http, shop, {"add_ons": [beard, {"name": "Towel", "price": 250}]}, {"add_ons": [beard]})
    towel = cut["add_ons"][1]
    assert towel == {"id": towel["id"], "name": "Towel", "price": 250, "duration_min": 0}
    chosen = [cut["add_ons"][0]["id"], towel["id"]]
    assert (await free(http, shop, DAY))[-1] == "09:30"
    assert (await free(http, shop, DAY, add_on_ids=",".join(chosen)))[-1] == "09:20"

    customer = await register(http)
    response = await ask(http, customer, shop, tomorrow(9, 25), add_on_ids=chosen)
    assert refused_for(response) == "closed"
    booking = await book(http, customer, shop, tomorrow(9, 20), add_on_ids=chosen)
    assert (booking["price"], booking["payment"]["amount"]) == (3000 + 950, 3000 + 950)
    assert (booking["scheduled_at"], booking["ends_at"]) == (f"{DAY}T09:20:00Z", f"{DAY}T10:00:00Z")
    (service,) = booking["services"]
    assert (service["price"], service["duration_min"], service["add_ons"]) == (3000, 30, cut["add_ons"])
    await offer(http, shop, {}, {})  # the booking keeps its services
    read = (await http.get(f"/v1/bookings/{booking['id']}", headers=customer.auth)).json()
    assert read["services"] == booking["services"]
    assert trim["add_ons"][0]["id"] != chosen[0]


async def test_unknown_add_ons_are_refused_at_their_field(http: httpx.AsyncClient, container: Container) -> None:
    shop = await shop_of(http, container, 30, 20)
    beard = {"name": "Beard", "price": 700, "duration_min": 10}
    cut, trim = await offer(http, shop, {"add_ons": [beard]}, {"add_ons": [beard]})
    own, other = cut["add_ons"][0]["id"], trim["add_ons"][0]["id"]
    customer = await register(http)
    for wrong, message in (
        ([own, str(uuid4())], "is not offered by this barber"),
        ([own, other], "is not offered by this barber"),  # not with the service that is asked for
        ([own, own], "is given twice"),
    ):
        told = [{"field": "add_on_ids[1]", "message": message}]
        assert (await ask(http, customer, shop, tomorrow(9), add_on_ids=wrong)).json()["errors"] == told
        response = await asked_slots(http, shop, DAY, DAY, service_ids=shop.services[0][0], add_on_ids=",".join(wrong))
        assert (response.status_code, response.json()["errors"]) == (422, told)
    await book(http, customer, shop, tomorrow(9), services=(0, 1), add_on_ids=[other, own])


async def test_add_on_ids_are_stable_and_unique(http: httpx.AsyncClient, container: Container) -> None:
    shop = await shop_of(http, container, 30)
    beard = {"name": "Beard", "price": 700, "duration_min": 10}
    (cut,) = await offer(http, shop, {"add_ons": [beard]})
    (again,) = await offer(http, shop, {"add_ons": [{**cut["add_ons"][0], "price": 800}]})
    assert again["add_ons"] == [{**cut["add_ons"][0], "price": 800}]
    twice = {"service_id": shop.services[0][0], "price": 1, "duration_min": 30, "add_ons": again["add_ons"] * 2}
    response = await http.put(f"{ME}/services", json={"services": [twice]}, headers=shop.auth)
    assert response.json()["errors"] == [{"field": "services[0].add_ons", "message": "has an id twice"}]
    assert (await change(http, shop, "GET", ""))["services"] == [again]
