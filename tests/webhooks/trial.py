"""Provide a Grome that sends webhooks to this machine, with actions for tests."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from grome.app import App
from grome.bookings.models import Booking
from grome.bookings.queries import BookingQueries
from grome.common.ids import new_id
from grome.infrastructure.container import Container
from grome.infrastructure.outbox.models import Event, EventType
from grome.infrastructure.outbox.relay import Subscribers
from grome.webhooks.delivery import WebhookDeliverer
from grome.webhooks.models import Attempt, Delivery, SendWebhook
from grome.webhooks.repository import DeliveryRepository
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import book, tomorrow
from tests.builders.people import Person, register
from tests.conftest import AdjustableClock

TYPES = {
    "create": EventType.BOOKING_REQUESTED,
    "accept": EventType.BOOKING_ACCEPTED,
    "decline": EventType.BOOKING_DECLINED,
    "start": EventType.BOOKING_STARTED,
    "complete": EventType.BOOKING_COMPLETED,
    "cancel": EventType.BOOKING_CANCELLED,
    "expire": EventType.BOOKING_EXPIRED,
    "offer": EventType.BOOKING_OFFERED,
    "no_show": EventType.BOOKING_NO_SHOW,
    "reschedule": EventType.BOOKING_RESCHEDULED,
    "propose": EventType.BOOKING_TIME_PROPOSED,
    "reject": EventType.BOOKING_PROPOSAL_REJECTED,
    "withdraw": EventType.BOOKING_PROPOSAL_WITHDRAWN,
    "lapse": EventType.BOOKING_PROPOSAL_LAPSED,
    "delay": EventType.BOOKING_DELAYED,
    "tip": EventType.BOOKING_TIPPED,
    "note": EventType.BOOKING_NOTED,
    "set_out": EventType.BOOKING_ON_THE_WAY,
    "turn_back": EventType.BOOKING_ON_THE_WAY_ENDED,
    "arrive": EventType.BOOKING_ARRIVED,
    "undo": EventType.BOOKING_START_UNDONE,
}


@dataclass(frozen=True)
class Endpoint:
    """Holds an endpoint as returned at its creation."""

    id: UUID
    secret: str


@dataclass(frozen=True)
class Trial:
    app: App
    http: httpx.AsyncClient
    clock: AdjustableClock

    @property
    def container(self) -> Container:
        container: Container = self.app.ctx.container
        return container

    async def endpoint(self, owner: Person, url: str, **changed: Any) -> Endpoint:
        made = await self.http.post("/v1/webhooks/endpoints", json={"url": url, **changed}, headers=owner.auth)
        assert made.status_code == 201, made.text
        return Endpoint(UUID(made.json()["endpoint"]["id"]), made.json()["secret"])

    async def shown(self, owner: Person, endpoint: Endpoint) -> dict[str, Any]:
        return await self.get(owner, f"/v1/webhooks/endpoints/{endpoint.id}")

    async def rotate(self, owner: Person, endpoint: Endpoint) -> dict[str, Any]:
        return await self.post(owner, f"/v1/webhooks/endpoints/{endpoint.id}/secret", 200)

    async def post(self, owner: Person, path: str, status: int) -> dict[str, Any]:
        response = await self.http.post(path, headers=owner.auth)
        assert response.status_code == status, response.text
        answer: dict[str, Any] = response.json()
        return answer

    async def get(self, owner: Person, path: str) -> dict[str, Any]:
        found = await self.http.get(path, headers=owner.auth)
        assert found.status_code == 200, found.text
        answer: dict[str, Any] = found.json()
        return answer

    async def log(self, owner: Person, endpoint: Endpoint) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (await self.get(owner, f"/v1/webhooks/endpoints/{endpoint.id}/deliveries"))[
            "items"
        ]
        return items

    async def booked(self) -> tuple[Barber, Person, dict[str, Any]]:
        """Create a barber and a customer, and return them with the booking's response."""
        shop, customer = await barber(self.http, self.container), await register(self.http)
        return shop, customer, await book(self.http, customer, shop, tomorrow(9))

    async def events(self, booking: dict[str, Any]) -> list[Event]:
        """Return the events of the booking so far."""
        stored = (await self.container.get(BookingQueries).find_many([UUID(booking["id"])]))[UUID(booking["id"])]
        return events_of(stored)

    async def follow(self, booking: dict[str, Any]) -> list[Event]:
        events = await self.events(booking)
        await self.container.get(Subscribers)["webhooks"].handle(events)
        return events

    async def deliver(self, endpoint: Endpoint, event: Event | UUID, *, run: int = 0, last: bool = False) -> None:
        event_id = event.id if isinstance(event, Event) else event
        await self.container.get(WebhookDeliverer).deliver(SendWebhook(endpoint.id, event_id, run), last=last)

    async def stored(self, endpoint: Endpoint, event: Event) -> Delivery:
        found = await DeliveryRepository(self.container.database).find_by_event(endpoint.id, event.id)
        assert found is not None
        return found

    async def last_attempt(self, endpoint: Endpoint, event: Event) -> Attempt:
        return (await self.stored(endpoint, event)).attempts[-1]


def events_of(booking: Booking) -> list[Event]:
    return [
        Event(
            id=entry.id,
            type=TYPES[entry.action.value],
            at=entry.at,
            subject_id=booking.id,
            version=entry.version,
            people=(booking.customer_id, booking.barber_id),
            actor_id=entry.actor_id,
        )
        for entry in booking.history
    ]


def registered(person: Person) -> Event:
    return Event(
        id=new_id(),
        type=EventType.ACCOUNT_REGISTERED,
        at=tomorrow(1),
        subject_id=person.id,
        version=1,
        people=(person.id,),
        actor_id=person.id,
    )


def reviewed(booking: dict[str, Any]) -> Event:
    customer_id = UUID(booking["customer_id"])
    return Event(
        id=new_id(),
        type=EventType.REVIEW_POSTED,
        at=tomorrow(2),
        subject_id=UUID(booking["id"]),
        version=1,
        people=(customer_id, UUID(booking["barber_id"])),
        actor_id=customer_id,
    )
