"""Create bookings and change them through the API."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

import httpx

from grome.bookings.lifecycle import BookingLifecycle
from grome.bookings.models import Action
from grome.bookings.schemas import CancelIn
from grome.common.actor import Actor, Role
from grome.infrastructure.container import Container
from tests.builders.barbers import Barber
from tests.builders.people import Person
from tests.conftest import AdjustableClock

_TOMORROW = datetime.now(UTC).date() + timedelta(days=1)  # the same to every test, also in a run over midnight


def tomorrow(hour: int, minute: int = 0) -> datetime:
    """Return a time of tomorrow in UTC. Hours 2 to 20 are far from midnight in Berlin, the default zone of barbers."""
    return datetime.combine(_TOMORROW, time(hour, minute), UTC)


async def ask(
    http: httpx.AsyncClient,
    customer: Person,
    shop: Barber,
    start: datetime,
    *,
    services: tuple[int, ...] = (0,),
    key: str | None = None,
    **changed: Any,
) -> httpx.Response:
    """Request the barber's services with these indices; `changed` replaces fields of the body."""
    wanted = {
        "barber_id": shop.id,
        "service_ids": [shop.services[number][0] for number in services],
        "scheduled_at": start.isoformat(),
        **changed,
    }
    headers = {**customer.auth, **({"Idempotency-Key": key} if key else {})}
    return await http.post("/v1/bookings", json=wanted, headers=headers)


async def book(
    http: httpx.AsyncClient, customer: Person, shop: Barber, start: datetime, **asked: Any
) -> dict[str, Any]:
    """Create a booking and return the answer."""
    response = await ask(http, customer, shop, start, **asked)
    assert response.status_code == 201, response.text
    booking: dict[str, Any] = response.json()
    return booking


async def move(
    http: httpx.AsyncClient, auth: dict[str, str], booking: dict[str, Any], action: str, **body: Any
) -> httpx.Response:
    """Accept, decline, start, complete, no-show or cancel, as the person of `auth`."""
    return await http.post(f"/v1/bookings/{booking['id']}/{action}", headers=auth, json=body or None)


async def serve(container: Container, booking: dict[str, Any], *actions: str) -> None:
    """Move a visit on as its barber does: start and complete when its time has come, all else at once.

    Through the service, since no access token lives until the visit. The clock is back afterwards.
    """
    clock, barber_id, moves = container.clock, UUID(booking["barber_id"]), container.get(BookingLifecycle)
    assert isinstance(clock, AdjustableClock)
    actor, kept = Actor(barber_id, Role.BARBER, barber_id), (clock.shift, clock.stopped)
    for action in actions:
        try:
            if action in {"start", "complete"}:
                clock.stopped = datetime.fromisoformat(booking["scheduled_at"])
            if action == "cancel":
                await moves.cancel(actor, UUID(booking["id"]), CancelIn())
            else:
                await moves.apply_action(actor, UUID(booking["id"]), Action(action))
        finally:
            clock.shift, clock.stopped = kept


async def history(http: httpx.AsyncClient, auth: dict[str, str], booking: dict[str, Any]) -> list[dict[str, Any]]:
    response = await http.get(f"/v1/bookings/{booking['id']}/history", headers=auth)
    assert response.status_code == 200, response.text
    entries: list[dict[str, Any]] = response.json()["items"]
    return entries


async def read(http: httpx.AsyncClient, auth: dict[str, str], booking: dict[str, Any]) -> dict[str, Any]:
    response = await http.get(f"/v1/bookings/{booking['id']}", headers=auth)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


async def changed(container: Container, booking: dict[str, Any], **fields: Any) -> None:
    """Set fields directly in the database; names are paths with `__` for dots."""
    wanted = {name.replace("__", "."): value for name, value in fields.items()}
    written = await container.database["bookings"].update_one({"_id": UUID(booking["id"])}, {"$set": wanted})
    assert written.matched_count == 1


async def offered(
    http: httpx.AsyncClient, container: Container, customer: Person, shop: Barber, start: datetime, by: str = "system"
) -> dict[str, Any]:
    """Create a waitlist offer to a customer, valid for an hour, by Grome or by the barber."""
    booking = await book(http, customer, shop, start)
    actor_id = shop.person.id if by == "barber" else None
    deadline = container.clock() + timedelta(hours=1)
    made = {"history__0__action": "offer", "history__0__by": by, "history__0__actor_id": actor_id}
    waits = {"status": "requested", "awaits": "customer", "answer_by": deadline, "history__0__answer_by": deadline}
    await changed(container, booking, origin="waitlist", history__0__status="requested", **made, **waits)
    return await read(http, customer.auth, booking)
