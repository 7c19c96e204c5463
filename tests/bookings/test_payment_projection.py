"""Test that the state of the payments reaches the booking, its history and its answers."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from grome.bookings.history_limits import MAX_PAYMENT_ENTRIES
from grome.bookings.models import Booking, PaymentStatus, snapshot_at_version
from grome.bookings.payment_projection import PaymentProjector
from grome.common.errors import NotFound
from grome.common.ids import new_id
from grome.infrastructure.container import Container
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import book, changed, history, move, read, tomorrow
from tests.builders.people import Person, register

DAY = timedelta(days=1)


@pytest.fixture
async def shop(http: httpx.AsyncClient, container: Container) -> Barber:
    return await barber(http, container)


@pytest.fixture
async def customer(http: httpx.AsyncClient) -> Person:
    return await register(http)


@pytest.fixture
async def booking(http: httpx.AsyncClient, customer: Person, shop: Barber) -> dict[str, Any]:
    return await book(http, customer, shop, tomorrow(9) + 3 * DAY, key="k")


async def apply(
    container: Container, booking: dict[str, Any], *, paid: int = 0, refunded: int = 0, **other: Any
) -> Booking:
    status = other.get("status", PaymentStatus.PENDING)
    return await container.get(PaymentProjector).apply(
        UUID(booking["id"]),
        status,
        paid,
        refunded,
        deposit_paid=other.get("deposit_paid", False),
        tip_paid=other.get("tip_paid", 0),
    )


async def test_projection_writes_the_sums_and_one_entry_by_grome(
    http: httpx.AsyncClient, container: Container, customer: Person, booking: dict[str, Any]
) -> None:
    for _ in range(2):
        await apply(container, booking, paid=1000, refunded=200, tip_paid=50)
    after = await read(http, customer.auth, booking)
    payment = {**booking["payment"], "paid": 1000, "refunded": 200, "tip_paid": 50}
    assert after == {**booking, "payment": payment, "version": 2}
    [created, paid] = await history(http, customer.auth, booking)
    assert "payment" not in created
    assert (paid["action"], paid["by"], paid["actor_id"], paid["payment"]) == ("pay", "system", None, payment)


async def test_projection_of_a_paid_deposit_ends_its_deadline(container: Container, booking: dict[str, Any]) -> None:
    await changed(container, booking, payment__pay_by=container.clock() + DAY)
    assert (await apply(container, booking)).payment.pay_by is not None
    assert (await apply(container, booking, paid=100, deposit_paid=True)).payment.pay_by is None


async def test_earlier_versions_show_the_payment_of_their_time(container: Container, booking: dict[str, Any]) -> None:
    for paid in (100, 300):
        now = await apply(container, booking, paid=paid, status=PaymentStatus.COMPLETED)
    shown = [snapshot_at_version(now, version) for version in (1, 2, 3)]
    assert [(one.payment.status.value, one.payment.paid) for one in shown if one] == [
        ("pending", 0),
        ("completed", 100),
        ("completed", 300),
    ]


async def test_repeated_request_after_a_payment_gets_the_first_answer(
    http: httpx.AsyncClient, container: Container, customer: Person, shop: Barber, booking: dict[str, Any]
) -> None:
    await apply(container, booking, paid=1000)
    assert await book(http, customer, shop, tomorrow(9) + 3 * DAY, key="k") == booking
    await container.database["bookings"].update_one({"_id": UUID(booking["id"])}, {"$set": {"first_answer": None}})
    assert await book(http, customer, shop, tomorrow(9) + 3 * DAY, key="k") == booking


async def test_payments_beyond_the_limit_are_stored_without_entries(
    http: httpx.AsyncClient, container: Container, customer: Person, shop: Barber, booking: dict[str, Any]
) -> None:
    for number in range(1, MAX_PAYMENT_ENTRIES + 11):
        await apply(container, booking, paid=number)
    after = await read(http, customer.auth, booking)
    assert (after["payment"]["paid"], after["version"]) == (MAX_PAYMENT_ENTRIES + 10, MAX_PAYMENT_ENTRIES + 1)
    assert (await move(http, shop.auth, booking, "accept")).json()["status"] == "accepted"


async def test_answer_to_a_proposal_repeated_after_a_payment_changes_nothing(
    http: httpx.AsyncClient, container: Container, customer: Person, shop: Barber, booking: dict[str, Any]
) -> None:
    other = {"scheduled_at": (tomorrow(12) + 3 * DAY).isoformat()}
    await move(http, shop.auth, booking, "reschedule", **other)
    path = f"/v1/bookings/{booking['id']}/proposal/accept"
    assert (await http.post(path, json={}, headers=customer.auth)).status_code == 200
    paid = await apply(container, booking, paid=1000)
    repeated = await http.post(path, json={}, headers=customer.auth)
    assert (repeated.status_code, repeated.json()["version"]) == (200, paid.version)


async def test_settlement_counts_money_that_was_not_given_back(
    http: httpx.AsyncClient, container: Container, customer: Person, booking: dict[str, Any]
) -> None:
    await apply(container, booking, paid=1000, refunded=300)
    assert (await move(http, customer.auth, booking, "cancel")).json()["settlement"] == {
        "fee": 0, "refund": 700, "due": 0,
    }  # fmt: skip


async def test_payment_of_an_unknown_booking_is_refused(container: Container) -> None:
    with pytest.raises(NotFound):
        await apply(container, {"id": str(new_id())}, paid=1)
