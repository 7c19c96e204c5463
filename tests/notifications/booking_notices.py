"""Create events as the relay does, and people with devices."""

from typing import Any
from uuid import UUID, uuid4

import httpx

from grome.composition.projection import PROJECTION
from grome.infrastructure.container import Container
from grome.infrastructure.outbox.models import BOOKINGS, ChangeRecord, Event
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import book, move, serve, tomorrow
from tests.builders.people import Person, register


async def events_of(container: Container, booking: dict[str, Any]) -> list[Event]:
    """Return the event of each history entry, oldest first."""
    document = await container.database[BOOKINGS].find_one({"_id": UUID(booking["id"])})
    assert document is not None
    return PROJECTION.events_of(ChangeRecord(BOOKINGS, document, None, container.clock()))


async def perform(
    http: httpx.AsyncClient,
    container: Container,
    auth: dict[str, str],
    booking: dict[str, Any],
    action: str,
    **body: Any,
) -> Event:
    """Perform an action through the API and return its event."""
    if action in {"start", "complete"}:
        await serve(container, booking, action)
    else:
        response = await move(http, auth, booking, action, **body)
        assert response.status_code == 200, response.text
    return (await events_of(container, booking))[-1]


async def request_visit(
    http: httpx.AsyncClient, container: Container, *, hour: int = 9, **rules: Any
) -> tuple[Person, Barber, dict[str, Any]]:
    """Create a customer, a barber, and a request for tomorrow."""
    shop, customer = await barber(http, container, rules=rules), await register(http, name="Zoë")
    return customer, shop, await book(http, customer, shop, tomorrow(hour))


async def register_with_device(http: httpx.AsyncClient, token: str, **changed: Any) -> tuple[Person, UUID]:
    """Register a person with a signed-in device that gets push messages."""
    device_id = uuid4()
    person = await register(http, device={"id": str(device_id), "name": "Phone"}, **changed)
    await put_token(http, person, device_id, token)
    return person, device_id


async def put_token(http: httpx.AsyncClient, person: Person, device_id: UUID, token: str) -> None:
    response = await http.put(f"/v1/me/devices/{device_id}/push-token", json={"token": token}, headers=person.auth)
    assert response.status_code == 204, response.text


async def set_preferences(http: httpx.AsyncClient, person: Person, **preferences: Any) -> None:
    response = await http.patch("/v1/me/preferences", json=preferences, headers=person.auth)
    assert response.status_code == 200, response.text


async def log_of(http: httpx.AsyncClient, person: Person) -> dict[tuple[str, str], tuple[str, str | None]]:
    """Return state and reason by kind and channel."""
    response = await http.get("/v1/me/notifications", params={"limit": 100}, headers=person.auth)
    assert response.status_code == 200, response.text
    return {(one["kind"], one["channel"]): (one["state"], one["why"]) for one in response.json()["items"]}
