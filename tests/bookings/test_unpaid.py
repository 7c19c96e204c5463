"""Test that bookings without their deposit expire and free their time, where deposits are charged."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from config.settings import Settings
from grome.app import App
from grome.bookings.jobs import expire_unanswered
from grome.bookings.lifecycle import BookingLifecycle
from grome.bookings.models import PaymentStatus
from grome.bookings.payment_projection import PaymentProjector
from grome.infrastructure.container import Container
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import ask, book, changed, history, move, offered, read, tomorrow
from tests.builders.people import Person, register, sign_in_again
from tests.builders.quotes import book_quote, put_terms, quote
from tests.conftest import AdjustableClock
from tests.support.app import serve_app
from tests.support.http_client import http_client

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
START = tomorrow(9) + 3 * DAY
WITHIN = 15 * MINUTE
FREE = {"cancel_notice_min": 4 * 7 * 24 * 60, "late_refund_percent": 0}


@pytest.fixture(scope="session")
async def charging(settings: Settings, session_clock: AdjustableClock, database: None) -> AsyncIterator[App]:  # noqa: ARG001
    """Serve the application with an account at Stripe, which these tests never call."""
    stripe = msgspec.structs.replace(
        settings.stripe, secret_key="sk_test_none", publishable_key="pk_test_none", webhook_secrets="whsec_none"
    )
    async with serve_app(msgspec.structs.replace(settings, stripe=stripe), session_clock) as application:
        yield application


@pytest.fixture
async def http(charging: App) -> AsyncIterator[httpx.AsyncClient]:
    async with http_client(charging.ctx.base_url) as client:
        yield client


@pytest.fixture
def container(charging: App) -> Container:
    found: Container = charging.ctx.container
    return found


@pytest.fixture
async def shop(http: httpx.AsyncClient, container: Container) -> Barber:
    made = await barber(http, container)
    await put_terms(http, made, FREE, percent=50)
    return made


@pytest.fixture
async def customer(http: httpx.AsyncClient) -> Person:
    return await register(http)


@pytest.fixture
async def booking(http: httpx.AsyncClient, customer: Person, shop: Barber) -> dict[str, Any]:
    return await book(http, customer, shop, START)


def deadline(booking: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(booking["payment"]["pay_by"])


async def pay_deposit(container: Container, booking: dict[str, Any]) -> None:
    await container.get(PaymentProjector).apply(
        UUID(booking["id"]), PaymentStatus.PENDING, 1500, 0, deposit_paid=True, tip_paid=0
    )


async def test_deposit_is_awaited_for_a_quarter_of_an_hour(
    http: httpx.AsyncClient, customer: Person, booking: dict[str, Any]
) -> None:
    assert (booking["payment"]["deposit"], deadline(booking)) == (
        1500,
        datetime.fromisoformat(booking["created_at"]) + WITHIN,
    )
    [created] = await history(http, customer.auth, booking)
    assert created["payment"] == booking["payment"]


async def test_unpaid_booking_frees_its_time_at_its_deadline(
    http: httpx.AsyncClient, customer: Person, shop: Barber, booking: dict[str, Any], clock: AdjustableClock
) -> None:
    clock.set(deadline(booking) - MINUTE)
    rival = await register(http)
    assert (await ask(http, rival, shop, START)).json()["code"] == "slot_taken"
    clock.set(deadline(booking))
    assert (await ask(http, rival, shop, START)).status_code == 201
    ended = await read(http, (await sign_in_again(http, customer)).auth, booking)
    assert (ended["status"], ended["reason"]) == ("cancelled", "expired")
    assert ended["settlement"] == {"fee": 0, "refund": 0, "due": 0}


async def test_accepted_booking_without_deposit_is_expired_by_the_job(
    http: httpx.AsyncClient, container: Container, shop: Barber, booking: dict[str, Any], clock: AdjustableClock
) -> None:
    assert (await move(http, shop.auth, booking, "accept")).json()["payment"] == booking["payment"]
    clock.set(deadline(booking) + MINUTE)
    await expire_unanswered({"container": container})
    stored = await container.database["bookings"].find_one({"_id": UUID(booking["id"])})
    assert stored
    assert [(entry["action"], entry["by"]) for entry in stored["history"]][-1] == ("expire", "system")
    assert not stored["active"]


async def test_paid_booking_stays(
    http: httpx.AsyncClient, container: Container, customer: Person, booking: dict[str, Any], clock: AdjustableClock
) -> None:
    await pay_deposit(container, booking)
    clock.set(deadline(booking) + MINUTE)
    while await container.get(BookingLifecycle).expire_unpaid():
        pass
    later = await read(http, (await sign_in_again(http, customer)).auth, booking)
    assert (later["status"], later["payment"]["pay_by"], later["payment"]["paid"]) == ("requested", None, 1500)


async def test_payment_after_the_deadline_finds_the_booking_expired(
    container: Container, booking: dict[str, Any], clock: AdjustableClock
) -> None:
    clock.set(deadline(booking) + MINUTE)
    await pay_deposit(container, booking)
    stored = await container.database["bookings"].find_one({"_id": UUID(booking["id"])})
    assert stored
    assert [entry["action"] for entry in stored["history"]] == ["create", "expire", "pay"]
    assert (stored["status"], stored["payment"]["paid"]) == ("cancelled", 1500)


async def test_acceptance_beside_the_expiry_never_leaves_an_unpaid_booking(
    http: httpx.AsyncClient, container: Container, shop: Barber, booking: dict[str, Any], clock: AdjustableClock
) -> None:
    clock.set(deadline(booking))
    again = await sign_in_again(http, shop.person)
    answers = await asyncio.gather(
        move(http, again.auth, booking, "accept"), container.get(BookingLifecycle).expire_unpaid()
    )
    assert answers[0].json()["code"] == "wrong_state"
    assert (await read(http, again.auth, booking))["reason"] == "expired"


async def test_cancelling_an_unpaid_booking_costs_nothing(
    http: httpx.AsyncClient, container: Container, customer: Person, shop: Barber, booking: dict[str, Any]
) -> None:
    await move(http, shop.auth, booking, "accept")
    other = await book(http, customer, shop, START + timedelta(hours=2))
    await move(http, shop.auth, other, "accept")
    await pay_deposit(container, other)
    assert (await move(http, customer.auth, booking, "cancel")).json()["settlement"]["fee"] == 0
    assert (await move(http, customer.auth, other, "cancel")).json()["settlement"] == {
        "fee": 3000, "refund": 0, "due": 1500,
    }  # fmt: skip


async def test_reschedule_keeps_the_deadline_of_the_deposit(
    http: httpx.AsyncClient, customer: Person, booking: dict[str, Any]
) -> None:
    other = {"scheduled_at": (START + timedelta(hours=2)).isoformat()}
    assert (await move(http, customer.auth, booking, "reschedule", **other)).json()["payment"] == booking["payment"]


async def test_offer_from_the_waitlist_awaits_its_deposit_after_acceptance(
    http: httpx.AsyncClient, container: Container, customer: Person, shop: Barber
) -> None:
    offer = await offered(http, container, customer, shop, START)
    await changed(container, offer, payment__pay_by=None, history__0__payment=None)
    accepted = (await move(http, customer.auth, offer, "accept")).json()
    assert accepted["payment"]["pay_by"]
    assert (await history(http, customer.auth, offer))[-1]["payment"] == accepted["payment"]


async def test_booking_without_a_deposit_has_no_deadline(
    http: httpx.AsyncClient, container: Container, customer: Person
) -> None:
    assert (await book(http, customer, await barber(http, container), START))["payment"]["pay_by"] is None


async def test_document_of_the_previous_release_is_read_as_unpaid_without_deadline(
    http: httpx.AsyncClient, container: Container, customer: Person, booking: dict[str, Any]
) -> None:
    added = ("commission_bp", "history.0.payment", "payment.refunded", "payment.tip_paid", "payment.pay_by")
    new = dict.fromkeys(added, "")
    await container.database["bookings"].update_one({"_id": UUID(booking["id"])}, {"$unset": new})
    payment = {**booking["payment"], "pay_by": None}
    assert (await read(http, customer.auth, booking))["payment"] == payment


async def test_quote_explains_the_deposit_by_risk_and_the_booking_keeps_it(
    http: httpx.AsyncClient, customer: Person, shop: Barber
) -> None:
    rules = {"risks": [{"new_client": True, "percent": 100}]}
    assert (await http.put("/v1/barbers/me/deposit-rules", json=rules, headers=shop.auth)).status_code == 200
    quoted = await quote(http, customer, shop, START)
    assert (quoted["deposit"], [reason["code"] for reason in quoted["deposit_reasons"]]) == (3000, ["new_client"])
    assert (await http.put("/v1/barbers/me/deposit-rules", json={}, headers=shop.auth)).status_code == 200
    assert (await book_quote(http, customer, quoted)).json()["payment"]["deposit"] == 3000


async def test_no_shows_of_the_customer_raise_the_deposit(
    http: httpx.AsyncClient, container: Container, customer: Person, shop: Barber, booking: dict[str, Any]
) -> None:
    rules = {"risks": [{"no_shows": 1, "percent": 100}]}
    assert (await http.put("/v1/barbers/me/deposit-rules", json=rules, headers=shop.auth)).status_code == 200
    assert (await quote(http, customer, shop, START + DAY))["deposit"] == 1500
    await changed(container, booking, status="cancelled", reason="no_show", active=False)
    assert (await quote(http, customer, shop, START + DAY))["deposit"] == 3000


async def test_deposit_rules_that_name_a_service_twice_are_refused(http: httpx.AsyncClient, shop: Barber) -> None:
    rules = {"services": [{"service_id": shop.services[0][0], "percent": 10}] * 2}
    refused = await http.put("/v1/barbers/me/deposit-rules", json=rules, headers=shop.auth)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "services[1].service_id")


async def test_booking_keeps_the_commission_of_its_time(
    http: httpx.AsyncClient, container: Container, customer: Person, shop: Barber
) -> None:
    quoted = await quote(http, customer, shop, START)
    await container.database["barbers"].update_one({"_id": shop.person.id}, {"$set": {"commission_bp": 250}})
    booked = (await book_quote(http, customer, quoted)).json()
    stored = await container.database["bookings"].find_one({"_id": UUID(booked["id"])})
    assert stored
    assert stored["commission_bp"] == container.settings.payments.commission_bp
