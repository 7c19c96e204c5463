"""Pay, refund and keep cards over HTTP, as apps and admins do."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx

from grome.infrastructure.container import Container
from grome.payments.settler import PaymentSettler
from grome.payments.sync import PaymentSync
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import tomorrow
from tests.builders.people import Person, create_admin, register
from tests.conftest import AdjustableClock
from tests.support.stripe import StripeControl

CARD, THREE_D_SECURE, DECLINED = "4242424242424242", "4000002760003184", "4000000000000002"
TERMS = {
    "cancellation": {"cancel_notice_min": 48 * 60, "late_refund_percent": 50, "no_show_refund_percent": 0},
    "deposit": {"percent": 30},
}


async def test_deposit_with_three_d_secure_is_paid_and_shown_on_the_booking(
    http: httpx.AsyncClient, container: Container, control: StripeControl
) -> None:
    customer, _, booking = await _booked(http, container)
    started = await _start(http, customer, booking, "deposit")
    assert (started["amount"], started["kind"], started["status"]) == (900, "payment", "needs_method")
    assert started["publishable_key"]
    assert started["customer_session"]
    intent = _intent_of(started)
    assert (await control.pay(intent, THREE_D_SECURE))["status"] == "requires_action"
    assert (await _refresh(http, customer, started))["status"] == "requires_action"
    await control.authenticate(intent)
    assert (await _refresh(http, customer, started))["status"] == "paid"
    payment = (await _read(http, customer, booking))["payment"]
    assert (payment["paid"], payment["deposit"], payment["pay_by"]) == (900, 900, None)


async def test_start_repeated_returns_the_same_payment(http: httpx.AsyncClient, container: Container) -> None:
    customer, _, booking = await _booked(http, container)
    first = await _start(http, customer, booking, "deposit")
    again = await _start(http, customer, booking, "deposit")
    assert (again["id"], again["client_secret"]) == (first["id"], first["client_secret"])


async def test_payment_of_another_customer_is_not_found(http: httpx.AsyncClient, container: Container) -> None:
    customer, _, booking = await _booked(http, container)
    started = await _start(http, customer, booking, "deposit")
    stranger = await register(http)
    for method, path in (
        ("POST", f"/v1/bookings/{booking['id']}/payments"),
        ("GET", f"/v1/bookings/{booking['id']}/payments"),
        ("GET", f"/v1/payments/{started['id']}"),
        ("POST", f"/v1/payments/{started['id']}/refresh"),
    ):
        body = {"purpose": "deposit"} if path.endswith("payments") and method == "POST" else None
        answer = await http.request(method, path, json=body, headers=stranger.auth)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path


async def test_declined_card_leaves_the_payment_payable_by_another_card(
    http: httpx.AsyncClient, container: Container, control: StripeControl
) -> None:
    customer, _, booking = await _booked(http, container)
    started = await _start(http, customer, booking, "deposit")
    await control.pay(_intent_of(started), DECLINED)
    failed = await _refresh(http, customer, started)
    assert failed["status"] == "failed"
    assert failed["failure"]
    again = await _start(http, customer, booking, "deposit")
    assert again["client_secret"] == started["client_secret"]
    await control.pay(_intent_of(again), CARD)
    assert (await _refresh(http, customer, started))["status"] == "paid"
    answer = await http.post(
        f"/v1/bookings/{booking['id']}/payments", json={"purpose": "deposit"}, headers=customer.auth
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "already_paid")


async def test_visit_in_a_week_saves_a_card_and_charges_it_two_days_before(
    http: httpx.AsyncClient, container: Container, control: StripeControl, clock: AdjustableClock
) -> None:
    customer, _, booking = await _booked(http, container, days=9, auto_accept=True)
    await _pay(http, control, customer, booking, "deposit")
    visit = await _start(http, customer, booking, "visit")
    assert (visit["kind"], visit["amount"]) == ("setup", 2_100)
    await control.pay(_intent_of(visit), CARD)
    assert (await _refresh(http, customer, visit))["status"] == "scheduled"
    clock.shift += timedelta(days=8)
    await control.advance(timedelta(days=8).total_seconds())
    await container.get(PaymentSettler).settle(UUID(booking["id"]))
    assert (await container.get(PaymentSync).look(UUID(visit["id"]))).state.value == "authorized"


async def test_payment_after_the_booking_expired_is_refunded(
    http: httpx.AsyncClient, container: Container, control: StripeControl, clock: AdjustableClock
) -> None:
    customer, _, booking = await _booked(http, container)
    started = await _start(http, customer, booking, "deposit")
    clock.shift += timedelta(minutes=16)
    await control.advance(16 * 60)
    await control.pay(_intent_of(started), CARD)
    late = (await container.get(PaymentSync).look(UUID(started["id"]))).state.value
    assert late == "refunded"
    found = await _read(http, customer, booking)
    assert (found["status"], found["reason"], found["payment"]["status"]) == ("cancelled", "expired", "refunded")


async def test_late_cancellation_keeps_the_fee_and_refunds_the_rest(
    http: httpx.AsyncClient, container: Container, control: StripeControl
) -> None:
    terms = {**TERMS, "deposit": {"percent": 80}}
    customer, _, booking = await _booked(http, container, terms=terms, auto_accept=True)
    await _pay(http, control, customer, booking, "deposit")
    answer = await http.post(f"/v1/bookings/{booking['id']}/cancel", json={}, headers=customer.auth)
    assert answer.json()["settlement"] == {"fee": 1_500, "refund": 900, "due": 0}
    await container.get(PaymentSettler).settle(UUID(booking["id"]))
    payment = (await _read(http, customer, booking))["payment"]
    assert (payment["paid"], payment["refunded"], payment["status"]) == (2_400, 900, "completed")


async def test_refund_by_an_admin_after_a_late_cancellation_is_not_charged_again_as_a_fee(
    http: httpx.AsyncClient, container: Container, control: StripeControl
) -> None:
    terms = {**TERMS, "deposit": {"percent": 80}}
    customer, _, booking = await _booked(http, container, terms=terms, auto_accept=True)
    paid = await _pay(http, control, customer, booking, "deposit")
    await http.post(f"/v1/bookings/{booking['id']}/cancel", json={}, headers=customer.auth)
    await container.get(PaymentSettler).settle(UUID(booking["id"]))
    admin = await create_admin(http, container)
    wanted = {"amount": 500, "reason": "A long way for nothing."}
    answer = await http.post(f"/v1/admin/payments/{paid['id']}/refund", json=wanted, headers=admin.auth)
    assert (answer.status_code, answer.json()["refunded"]) == (200, 1_400), answer.text
    await container.get(PaymentSettler).settle(UUID(booking["id"]))
    listed = (await http.get("/v1/payments", headers=customer.auth)).json()["items"]
    assert [(each["purpose"], each["received"], each["refunded"]) for each in listed] == [("deposit", 2_400, 1_400)]


async def test_no_show_without_a_payment_charges_the_default_card(
    http: httpx.AsyncClient, container: Container, control: StripeControl, clock: AdjustableClock
) -> None:
    terms = {**TERMS, "deposit": {"percent": 0}}
    customer, owner, booking = await _booked(http, container, terms=terms, auto_accept=True)
    setup = (await http.post("/v1/me/cards", headers=customer.auth)).json()
    setup_id = setup["client_secret"].partition("_secret")[0]
    await control.pay(setup_id, CARD)
    await container.get(PaymentSync).setup_changed(setup_id)
    (card,) = (await http.get("/v1/me/cards", headers=customer.auth)).json()["items"]
    assert (card["last4"], card["is_default"]) == ("4242", True)
    moved = datetime.fromisoformat(booking["scheduled_at"]) + timedelta(hours=1) - clock()
    clock.shift += moved
    await control.advance(moved.total_seconds())
    answer = await http.post(f"/v1/bookings/{booking['id']}/no-show", headers=await _again(http, owner.person))
    assert answer.status_code == 200, answer.text
    clock.shift += timedelta(minutes=16)
    await container.get(PaymentSettler).settle(UUID(booking["id"]))
    listed = await http.get("/v1/payments", headers=await _again(http, customer))
    (fee,) = listed.json()["items"]
    assert (fee["purpose"], fee["status"], fee["received"]) == ("fee", "paid", 3_000)


async def test_refund_by_an_admin_repeated_with_its_key_refunds_once(
    http: httpx.AsyncClient, container: Container, control: StripeControl
) -> None:
    customer, _, booking = await _booked(http, container)
    paid = await _pay(http, control, customer, booking, "deposit")
    admin = await create_admin(http, container)
    path, key = f"/v1/admin/payments/{paid['id']}/refund", str(uuid4())
    wanted = {"amount": 300, "reason": "A long wait."}
    for _ in range(2):
        answer = await http.post(path, json=wanted, headers={**admin.auth, "Idempotency-Key": key})
        assert answer.status_code == 200, answer.text
        assert (answer.json()["status"], answer.json()["refunded"]) == ("part_refunded", 300)
    too_much = await http.post(path, json={**wanted, "amount": 601}, headers=admin.auth)
    assert (too_much.status_code, too_much.json()["code"]) == (409, "not_refundable")
    forbidden = await http.post(path, json=wanted, headers=customer.auth)
    assert forbidden.status_code == 403


async def test_removed_card_is_listed_no_more(
    http: httpx.AsyncClient, container: Container, control: StripeControl
) -> None:
    customer, _, booking = await _booked(http, container)
    await _pay(http, control, customer, booking, "deposit")
    (card,) = (await http.get("/v1/me/cards", headers=customer.auth)).json()["items"]
    chosen = await http.put(f"/v1/me/cards/{card['id']}/default", headers=customer.auth)
    assert chosen.json()["is_default"] is True
    stranger = await register(http)
    assert (await http.delete(f"/v1/me/cards/{card['id']}", headers=stranger.auth)).status_code == 404
    assert (await http.delete(f"/v1/me/cards/{card['id']}", headers=customer.auth)).status_code == 204
    assert (await http.get("/v1/me/cards", headers=customer.auth)).json()["items"] == []


async def _booked(
    http: httpx.AsyncClient,
    container: Container,
    *,
    days: int = 1,
    terms: dict[str, Any] | None = None,
    auto_accept: bool = False,
) -> tuple[Person, Barber, dict[str, Any]]:
    """Return a customer, a barber and a booking for 30.00 EUR."""
    owner = await barber(http, container, terms=terms or TERMS, rules={"auto_accept": auto_accept})
    customer = await register(http)
    wanted = {
        "barber_id": owner.id,
        "service_ids": [owner.services[0][0]],
        "scheduled_at": (tomorrow(12) + timedelta(days=days - 1)).isoformat(),
    }
    answer = await http.post("/v1/bookings", json=wanted, headers=customer.auth)
    assert answer.status_code == 201, answer.text
    return customer, owner, answer.json()


async def _start(http: httpx.AsyncClient, customer: Person, booking: dict[str, Any], purpose: str) -> dict[str, Any]:
    answer = await http.post(f"/v1/bookings/{booking['id']}/payments", json={"purpose": purpose}, headers=customer.auth)
    assert answer.status_code == 201, answer.text
    started: dict[str, Any] = answer.json()
    return started


async def _pay(
    http: httpx.AsyncClient, control: StripeControl, customer: Person, booking: dict[str, Any], purpose: str
) -> dict[str, Any]:
    started = await _start(http, customer, booking, purpose)
    await control.pay(_intent_of(started), CARD)
    paid = await _refresh(http, customer, started)
    assert paid["status"] == "paid"
    return paid


async def _refresh(http: httpx.AsyncClient, customer: Person, started: dict[str, Any]) -> dict[str, Any]:
    answer = await http.post(f"/v1/payments/{started['id']}/refresh", headers=customer.auth)
    assert answer.status_code == 200, answer.text
    refreshed: dict[str, Any] = answer.json()
    return refreshed


async def _read(http: httpx.AsyncClient, customer: Person, booking: dict[str, Any]) -> dict[str, Any]:
    answer = await http.get(f"/v1/bookings/{booking['id']}", headers=await _again(http, customer))
    found: dict[str, Any] = answer.json()
    return found


async def _again(http: httpx.AsyncClient, person: Person) -> dict[str, str]:
    """Sign in again, since tests move the clock past the life of access tokens."""
    answer = await http.post("/v1/auth/login", json={"email": person.email, "password": "correct horse battery"})
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


def _intent_of(started: dict[str, Any]) -> str:
    secret: str = started["client_secret"]
    return secret.partition("_secret")[0]
