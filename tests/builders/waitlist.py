"""Use the waitlist through the API, and run its reactions to changes of bookings."""

from datetime import datetime, timedelta
from typing import Any

import httpx

from grome.bookings.jobs import expire_unanswered
from grome.infrastructure.container import Container
from grome.infrastructure.outbox.models import Event
from grome.waitlist.matching import WaitlistMatcher
from tests.builders.barbers import Barber
from tests.builders.bookings import book, move, tomorrow
from tests.builders.people import Person, register
from tests.conftest import AdjustableClock
from tests.notifications.booking_notices import events_of


def entry_body(shop: Barber, **changed: Any) -> dict[str, Any]:
    """Return an entry for the barber's first service tomorrow between 8:00 and 12:00."""
    return {
        "barber_id": shop.id,
        "service_ids": [shop.services[0][0]],
        "earliest": tomorrow(8).isoformat(),
        "latest": tomorrow(12).isoformat(),
        **changed,
    }


def window_over(*bookings: dict[str, Any]) -> dict[str, Any]:
    """Return the window from the start of the first booking to the end of the last."""
    return {"earliest": bookings[0]["scheduled_at"], "latest": bookings[-1]["ends_at"]}


async def post_entry(http: httpx.AsyncClient, person: Person, shop: Barber, **changed: Any) -> httpx.Response:
    return await http.post("/v1/waitlist", json=entry_body(shop, **changed), headers=person.auth)


async def join_waitlist(http: httpx.AsyncClient, person: Person, shop: Barber, **changed: Any) -> dict[str, Any]:
    answer = await post_entry(http, person, shop, **changed)
    assert answer.status_code == 201, answer.text
    entry: dict[str, Any] = answer.json()
    return entry


async def read_entry(http: httpx.AsyncClient, person: Person, entry: dict[str, Any]) -> dict[str, Any]:
    answer = await http.get(f"/v1/waitlist/{entry['id']}", headers=person.auth)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def newest_event(container: Container, booking: dict[str, Any]) -> Event:
    return (await events_of(container, booking))[-1]


async def free_time(
    http: httpx.AsyncClient, container: Container, auth: dict[str, str], booking: dict[str, Any], action: str = "cancel"
) -> Event:
    """Run an action that frees the booking's time, and let the waitlist react to its event."""
    answer = await move(http, auth, booking, action)
    assert answer.status_code == 200, answer.text
    event = await newest_event(container, booking)
    await container.get(WaitlistMatcher).on_event(event)
    return event


async def offered_booking(http: httpx.AsyncClient, person: Person, entry: dict[str, Any]) -> dict[str, Any]:
    """Return the booking that is held for the entry."""
    found = await read_entry(http, person, entry)
    assert found["state"] == "offered", found
    answer = await http.get(f"/v1/bookings/{found['booking_id']}", headers=person.auth)
    assert answer.status_code == 200, answer.text
    booking: dict[str, Any] = answer.json()
    return booking


async def expire_offer(container: Container, clock: AdjustableClock, booking: dict[str, Any]) -> None:
    clock.set(datetime.fromisoformat(booking["answer_by"]) + timedelta(seconds=1))
    await expire_unanswered({"container": container})
    await container.get(WaitlistMatcher).on_event(await newest_event(container, booking))


async def reconcile_all(container: Container) -> None:
    """Reconcile until every waiting entry, also of earlier tests, was checked."""
    for _ in range(1 + await container.database["waitlist"].count_documents({"state": "waiting"}) // 100):
        await container.get(WaitlistMatcher).reconcile()


async def entry_states(http: httpx.AsyncClient, *waiting: tuple[Person, dict[str, Any]]) -> list[str]:
    return [(await read_entry(http, person, entry))["state"] for person, entry in waiting]


async def book_by_new_customer(http: httpx.AsyncClient, shop: Barber, hour: int = 9) -> tuple[Person, dict[str, Any]]:
    """Book a visit tomorrow as a new customer."""
    early = await register(http)
    return early, await book(http, early, shop, tomorrow(hour))
