"""Create deliveries from events, one for each endpoint that accepts the event."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final
from uuid import UUID

from loguru import logger

from grome.bookings.models import Booking
from grome.bookings.queries import BookingQueries
from grome.common.clock import Clock
from grome.common.ids import new_id
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.outbox.models import Event
from grome.payments.queries import PaymentQueries
from grome.webhooks.models import Delivery, DeliveryState, delivery_job
from grome.webhooks.payloads import (
    account_payload,
    barber_payload,
    booking_payload,
    money_payload,
    payment_payload,
    promo_payload,
    review_payload,
)
from grome.webhooks.repository import DeliveryRepository, EndpointRepository

# The families of events that hold all that their payload needs.
_PAYLOADS_OF_FAMILIES: Final[Mapping[str, Callable[[Event], bytes]]] = {
    "account": account_payload,
    "adjustment": money_payload,
    "barber": barber_payload,
    "finding": money_payload,
    "message_report": money_payload,
    "payout": money_payload,
    "promo": promo_payload,
    "review": review_payload,
    "verification": barber_payload,
}


class WebhookSubscriber:
    """Subscribes to the relay. A repeated event finds its deliveries and jobs, and changes nothing."""

    def __init__(
        self,
        endpoints: EndpointRepository,
        deliveries: DeliveryRepository,
        bookings: BookingQueries,
        payments: PaymentQueries,
        jobs: JobQueue,
        clock: Clock,
    ) -> None:
        self._endpoints, self._deliveries, self._bookings = endpoints, deliveries, bookings
        self._payments, self._jobs, self._clock = payments, jobs, clock

    async def handle(self, events: Sequence[Event]) -> None:
        endpoints = await self._endpoints.list_enabled({person for event in events for person in event.people})
        wanted = [(event, endpoint) for event in events for endpoint in endpoints if endpoint.accepts(event)]
        if not wanted:
            return
        bodies = await self._bodies([event for event, _ in wanted])
        deliveries = [
            self._delivery(event, endpoint.id, bodies[event.id]) for event, endpoint in wanted if event.id in bodies
        ]
        if deliveries:
            await self._deliveries.add(deliveries)
            await self._jobs.add(*(delivery_job(delivery) for delivery in deliveries))

    def _delivery(self, event: Event, endpoint_id: UUID, body: bytes) -> Delivery:
        return Delivery(
            id=new_id(),
            endpoint_id=endpoint_id,
            event_id=event.id,
            type=event.type.value,
            body=body,
            state=DeliveryState.PENDING,
            attempts=[],
            created_at=self._clock(),
        )

    async def _bodies(self, events: Iterable[Event]) -> dict[UUID, bytes]:
        """Return the payloads by event id, without events that are not in the history of their subject."""
        by_id = {event.id: event for event in events}
        about = {event.subject_id for event in by_id.values() if event.family == "booking"}
        bookings = await self._bookings.find_many(list(about)) if about else {}
        bodies: dict[UUID, bytes] = {}
        for event in by_id.values():
            if body := await self._body(event, bookings):
                bodies[event.id] = body
            else:
                logger.warning("Event {} is not in the history of its subject; no webhook is sent", event.id)
        return bodies

    async def _body(self, event: Event, bookings: Mapping[UUID, Booking]) -> bytes | None:
        if encode := _PAYLOADS_OF_FAMILIES.get(event.family):
            return encode(event)
        if event.family == "payment":
            payment = await self._payments.find(event.subject_id)
            return payment_payload(event, payment) if payment else None
        booking = bookings.get(event.subject_id)
        return booking_payload(event, booking) if booking else None
