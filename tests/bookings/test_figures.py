"""Test the figures of bookings, and the limits on sums."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grome.bookings.figures import price_lines, service_figures, visible_min
from grome.bookings.models import BookedAddOn, BookedService, Booking
from grome.common.figures import duration_of, percent_of, percent_of_ceil, price_of, split
from grome.infrastructure.container import Container
from grome.promos.models import Discount
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import ask, book, serve, tomorrow
from tests.builders.people import Person, register
from tests.builders.reports import make_booking

MOST = 10**9
START = datetime(2027, 3, 1, 9, tzinfo=UTC)
AMOUNTS = st.integers(0, MOST)
SERVICES = st.lists(
    st.builds(
        lambda price, extras: BookedService(
            uuid4(), "A cut", price, 30, [BookedAddOn(uuid4(), "Beard", extra, 10) for extra in extras]
        ),
        AMOUNTS,
        st.lists(AMOUNTS, max_size=3),
    ),
    min_size=1,
    max_size=5,
)


def discounted(services: list[BookedService], less: int) -> Booking:
    price = price_of(services) - less
    return make_booking(START, services=services, price=price, discount=Discount("HALF", less) if less else None)


@given(st.integers(0, 10**12), st.lists(AMOUNTS, min_size=1, max_size=12))
def test_split_shares_add_up_and_differ_from_exact_shares_by_less_than_a_unit(amount: int, weights: list[int]) -> None:
    shares = split(amount, weights)
    assert sum(shares) == amount
    assert min(shares) >= 0
    if total := sum(weights):
        assert all(abs(share * total - amount * weight) < total for share, weight in zip(shares, weights, strict=True))


@pytest.mark.parametrize(
    ("amount", "weights", "shares"),
    [
        (100, [1, 1, 1], [34, 33, 33]),
        (1, [1, 2], [0, 1]),
        (5, [0, 0], [5, 0]),
        (0, [3, 4], [0, 0]),
        (7, [3, 3, 1], [3, 3, 1]),
    ],
)
def test_split_assigns_remaining_units_by_largest_remainder(amount: int, weights: list[int], shares: list[int]) -> None:
    assert split(amount, weights) == shares


def test_split_without_weights_fails() -> None:
    with pytest.raises(ValueError, match="no shares"):
        split(1, [])


@given(SERVICES, st.data())
def test_service_net_prices_add_up_to_the_price(services: list[BookedService], data: st.DataObject) -> None:
    booking = discounted(services, data.draw(st.integers(0, price_of(services))))
    figures = service_figures(booking)
    assert sum(one.net for one in figures) == booking.price
    assert sum(one.gross for one in figures) == price_of(services)
    assert all(0 <= one.net <= one.gross and one.discount == one.gross - one.net for one in figures)


def test_service_figures_include_add_ons() -> None:
    extras = [BookedAddOn(uuid4(), "Beard", 1500, 10), BookedAddOn(uuid4(), "Wash", 500, 5)]
    services = [BookedService(uuid4(), "A cut", 4000, 30, extras), BookedService(uuid4(), "Colour", 1000, 45)]
    assert (price_of(services), duration_of(services)) == (7000, 90)
    assert [(line.name, line.amount, line.is_add_on) for line in price_lines(services)] == [
        ("A cut", 4000, False),
        ("Beard", 1500, True),
        ("Wash", 500, True),
        ("Colour", 1000, False),
    ]


def test_visible_minutes_span_start_to_end() -> None:
    assert visible_min(make_booking(START, ends_at=START.replace(minute=35))) == 35


def test_percentages_are_rounded_half_even_or_up() -> None:
    assert [percent_of(amount, 50) for amount in (1, 3, 5)] == [0, 2, 2]
    assert [percent_of_ceil(amount, 50) for amount in (1, 2, 3)] == [1, 1, 2]


@pytest.fixture
async def customer(http: httpx.AsyncClient) -> Person:
    return await register(http)


@pytest.fixture
async def dear(http: httpx.AsyncClient, container: Container) -> Barber:
    """Create a barber with two services at the highest possible price."""
    return await barber(http, container, durations=(30, 30), prices=(MOST, MOST), rules={"auto_accept": True})


async def offer(http: httpx.AsyncClient, shop: Barber, price: int, *add_ons: int) -> httpx.Response:
    extras = [{"name": f"Extra {number}", "price": extra} for number, extra in enumerate(add_ons)]
    service = {"service_id": shop.services[0][0], "price": price, "duration_min": 30, "add_ons": extras}
    return await http.put("/v1/barbers/me/services", json={"services": [service]}, headers=shop.auth)


async def test_offer_with_too_high_a_total_is_refused_at_its_field(http: httpx.AsyncClient, dear: Barber) -> None:
    refused = await offer(http, dear, MOST - 10, 5, 6)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "services[0].add_ons")
    assert (await offer(http, dear, MOST - 11, 5, 6)).status_code == 200


def wish_of(shop: Barber, **more: Any) -> dict[str, Any]:
    service_ids = [service_id for service_id, _ in shop.services]
    return {"barber_id": shop.id, "service_ids": service_ids, "scheduled_at": tomorrow(9).isoformat(), **more}


async def test_booking_with_too_high_a_total_is_refused_at_its_field(
    http: httpx.AsyncClient, customer: Person, dear: Barber
) -> None:
    repeat = {"repeat": {"every": "week", "count": 2}}
    for path, more in (("", {}), ("/quote", {}), ("/series", repeat), ("/series/preview", repeat)):
        refused = await http.post(f"/v1/bookings{path}", json=wish_of(dear, **more), headers=customer.auth)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "service_ids"), path
    assert (await ask(http, customer, dear, tomorrow(9))).json()["price"] == MOST


async def test_barber_with_too_high_a_total_is_left_out_of_any_barber(
    http: httpx.AsyncClient, container: Container, customer: Person
) -> None:
    shop = await barber(
        http, container, durations=(30, 30), prices=(MOST, MOST), location={"lat": -48.9, "lng": -123.4}
    )
    service_ids = [service_id for service_id, _ in shop.services]
    wanted = {"lat": -48.9, "lng": -123.4, "service_ids": service_ids, "scheduled_at": tomorrow(9).isoformat()}
    refused = await http.post("/v1/bookings/any", json=wanted, headers=customer.auth)
    assert (refused.status_code, refused.json()["code"]) == (409, "nobody_free")


async def test_tip_with_too_high_a_total_is_refused(
    http: httpx.AsyncClient, container: Container, customer: Person, dear: Barber
) -> None:
    booking = await book(http, customer, dear, tomorrow(9))
    await serve(container, booking, "start", "complete")
    refused = await http.post(f"/v1/bookings/{booking['id']}/tip", json={"amount": 1}, headers=customer.auth)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "amount")


async def test_rebook_with_too_high_a_total_is_refused(
    http: httpx.AsyncClient, container: Container, customer: Person
) -> None:
    shop = await barber(http, container, durations=(30, 30), prices=(100, 100))
    booking = await book(http, customer, shop, tomorrow(9), services=(0, 1))
    offers = [{"service_id": service_id, "price": MOST, "duration_min": 30} for service_id, _ in shop.services]
    raised = await http.put("/v1/barbers/me/services", json={"services": offers}, headers=shop.auth)
    assert raised.status_code == 200
    wanted = {"scheduled_at": tomorrow(12).isoformat()}
    refused = await http.post(f"/v1/bookings/{booking['id']}/rebook", json=wanted, headers=customer.auth)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "services")


def test_service_ids_are_kept() -> None:
    booking = discounted([BookedService(UUID(int=7), "A cut", 1001, 30), BookedService(UUID(int=8), "B", 999, 30)], 1)
    assert [(one.service.service_id.int, one.net) for one in service_figures(booking)] == [(7, 1000), (8, 999)]
