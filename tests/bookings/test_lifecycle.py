"""Test all legal and illegal transitions of a booking over HTTP, and their history entries."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from grome.infrastructure.container import Container
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import book, history, move, read, serve, tomorrow
from tests.builders.people import Person, create_admin, register, sign_in_again
from tests.conftest import AdjustableClock

PATHS = {
    "requested": (),
    "accepted": ("accept",),
    "in_progress": ("accept", "start"),
    "completed": ("accept", "start", "complete"),
    "cancelled": ("cancel",),
}
# The result of each action from each state; from other states, the action is refused. The same action a second
# time in a row changes nothing and is no error.
LEADS_TO = {
    "accept": {"requested": "accepted", "accepted": "accepted"},
    "decline": {"requested": "cancelled"},
    "start": {"accepted": "in_progress", "in_progress": "in_progress"},
    "complete": {"in_progress": "completed", "completed": "completed"},
    "no-show": {"accepted": "cancelled"},
    "cancel": {"requested": "cancelled", "accepted": "cancelled", "cancelled": "cancelled"},
}
MAY_BE_REPEATED = {("accept", "accepted"), ("start", "in_progress"), ("complete", "completed"), ("cancel", "cancelled")}


async def booked(
    http: httpx.AsyncClient, container: Container, status: str = "requested"
) -> tuple[Barber, Person, dict[str, Any]]:
    """Create a barber, a customer and their booking with the given status."""
    shop, customer = await barber(http, container), await register(http)
    booking = await book(http, customer, shop, tomorrow(9))
    await serve(container, booking, *PATHS[status])
    booking = await read(http, shop.auth, booking)
    assert booking["status"] == status
    return shop, customer, booking


async def later(http: httpx.AsyncClient, shop: Barber, customer: Person) -> tuple[Barber, Person]:
    """Sign both in again after the clock has moved."""
    return replace(shop, person=await sign_in_again(http, shop.person)), await sign_in_again(http, customer)


async def test_booking_from_request_to_completion_records_each_transition(
    http: httpx.AsyncClient, container: Container, clock: AdjustableClock
) -> None:
    shop, customer, booking = await booked(http, container)
    assert (booking["version"], booking["price"], booking["awaits"]) == (1, 3000, "barber")
    answered = {"awaits": None, "answer_by": None}
    for version, (action, status) in enumerate(
        [("accept", "accepted"), ("start", "in_progress"), ("complete", "completed")], start=2
    ):
        if action == "start":
            clock.set(tomorrow(9))
            shop, customer = await later(http, shop, customer)
        response = await move(http, shop.auth, booking, action)
        assert response.status_code == 200, response.text
        assert response.json() == {**booking, **answered, "status": status, "version": version}
    read = await http.get(f"/v1/bookings/{booking['id']}", headers=customer.auth)
    assert read.json() == {**booking, **answered, "status": "completed", "version": 4}

    entries = await history(http, customer.auth, booking)
    told = [(entry["version"], entry["action"], entry["status"], entry["by"], entry["actor_id"]) for entry in entries]
    asked, answers = ("customer", str(customer.id)), ("barber", shop.id)
    assert told == [
        (1, "create", "requested", *asked),
        (2, "accept", "accepted", *answers),
        (3, "start", "in_progress", *answers),
        (4, "complete", "completed", *answers),
    ]
    assert len({entry["id"] for entry in entries}) == 4
    times = [datetime.fromisoformat(entry["at"]) for entry in entries]
    assert times == sorted(times)
    assert entries == await history(http, shop.auth, booking)


@pytest.mark.parametrize("status", PATHS)
async def test_action_from_each_state_leads_to_its_target_or_is_refused(
    http: httpx.AsyncClient, container: Container, clock: AdjustableClock, status: str
) -> None:
    for action, leads_to in LEADS_TO.items():
        clock.shift = timedelta()
        shop, customer, booking = await booked(http, container, status)
        if status in {"accepted", "in_progress", "completed"}:
            clock.set(tomorrow(9, 10))
            shop, customer = await later(http, shop, customer)
        before = await history(http, shop.auth, booking)

        response = await move(http, shop.auth, booking, action)

        after = await history(http, shop.auth, booking)
        if status not in leads_to:
            assert (response.status_code, response.json()["code"]) == (409, "wrong_state"), action
            assert after == before
        elif (action, status) in MAY_BE_REPEATED:
            assert (response.status_code, response.json()) == (200, booking), action
            assert after == before
        else:
            assert response.status_code == 200, action
            assert response.json()["status"] == leads_to[status], action
            assert response.json()["version"] == booking["version"] + 1
            assert after[:-1] == before
            assert (after[-1]["action"], after[-1]["version"]) == (action.replace("-", "_"), response.json()["version"])
        read = await http.get(f"/v1/bookings/{booking['id']}", headers=customer.auth)
        assert read.json() == (response.json() if response.status_code == 200 else booking)


async def test_cancellation_note_is_kept_in_the_history(http: httpx.AsyncClient, container: Container) -> None:
    shop, customer, booking = await booked(http, container)
    ended = await move(http, customer.auth, booking, "cancel", note="I am ill.\nSorry.")
    assert (ended.json()["status"], ended.json()["reason"]) == ("cancelled", "customer")
    last = (await history(http, shop.auth, booking))[-1]
    assert (last["note"], last["reason"], last["by"]) == ("I am ill.\nSorry.", "customer", "customer")


@pytest.mark.parametrize(
    ("who", "action", "reason", "party"),
    [
        ("barber", "decline", "declined", "barber"),
        ("barber", "cancel", "barber", "barber"),
        ("customer", "cancel", "customer", "customer"),
        ("admin", "cancel", "system", "admin"),
    ],
)
async def test_cancelled_booking_has_the_reason_of_its_end(
    http: httpx.AsyncClient, container: Container, who: str, action: str, reason: str, party: str
) -> None:
    shop, customer, booking = await booked(http, container)
    boss = await create_admin(http, container)
    person = {"barber": shop.person, "customer": customer, "admin": boss}[who]
    ended = (await move(http, person.auth, booking, action)).json()
    assert (ended["status"], ended["reason"], ended["version"]) == ("cancelled", reason, 2)
    last = (await history(http, boss.auth, booking))[-1]
    assert (last["by"], last["actor_id"], last["reason"]) == (party, str(person.id), reason)


@pytest.mark.parametrize("action", ["accept", "decline"])
async def test_request_can_be_answered_only_by_the_awaited_party(
    http: httpx.AsyncClient, container: Container, action: str
) -> None:
    _, customer, booking = await booked(http, container)
    refused = await move(http, customer.auth, booking, action)
    assert (refused.status_code, refused.json()["code"]) == (409, "wrong_state")
    assert refused.json()["detail"] == "The request awaits the barber's answer."
    assert (await move(http, (await create_admin(http, container)).auth, booking, action)).status_code == 403
    assert (await http.post(f"/v1/bookings/{booking['id']}/{action}")).status_code == 401


@pytest.mark.parametrize("action", ["start", "complete", "no-show"])
async def test_only_the_barber_can_start_or_end_a_visit(
    http: httpx.AsyncClient, container: Container, action: str
) -> None:
    _, customer, booking = await booked(http, container)
    for person in (customer, await create_admin(http, container)):
        response = await move(http, person.auth, booking, action)
        assert (response.status_code, response.json()["code"]) == (403, "forbidden")
    assert (await http.post(f"/v1/bookings/{booking['id']}/{action}")).status_code == 401


async def test_foreign_booking_is_not_found(http: httpx.AsyncClient, container: Container) -> None:
    _, customer, booking = await booked(http, container)
    other_customer, other_shop = await register(http), await barber(http, container)
    path = f"/v1/bookings/{booking['id']}"
    for auth in (other_customer.auth, other_shop.auth):
        for method, address in (("GET", path), ("GET", f"{path}/history"), ("POST", f"{path}/cancel")):
            response = await http.request(method, address, headers=auth)
            assert (response.status_code, response.json()["code"]) == (404, "not_found")
    for action in ("accept", "decline", "start", "complete", "no-show"):
        assert (await move(http, other_shop.auth, booking, action)).status_code == 404
    assert (await http.get(path, headers=customer.auth)).json() == booking
    assert (await http.get(f"/v1/bookings/{UUID(int=0)}", headers=customer.auth)).status_code == 404
