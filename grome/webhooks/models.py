"""Define webhook endpoints, their deliveries and the limits of both."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta, Struct, field

from grome.infrastructure.jobs.models import JobKind, NewJob, Queue
from grome.infrastructure.mongo.budgets import Budget
from grome.infrastructure.mongo.schema import stored_items
from grome.infrastructure.outbox.models import LIVE_ONLY, Event, EventType

# An event is sent at once and retried up to six times over about 18 hours, as Standard Webhooks suggests.
WEBHOOK: Final = JobKind("webhook", Queue.WEBHOOKS, 150, (5, 300, 1_800, 7_200, 18_000, 36_000))
MAX_ENDPOINTS: Final = 10
MAX_ATTEMPTS: Final = 20
MAX_SECRETS: Final = 5
DELIVERY_RETENTION: Final = timedelta(days=30)
OLD_SECRET_VALIDITY: Final = timedelta(hours=24)
# An endpoint is disabled after this many consecutive failures over this long; its owner is warned before.
DISABLE_AFTER: Final = timedelta(days=5)
WARN_AFTER: Final = timedelta(days=1)
MIN_FAILURES: Final = 10
# Concurrent requests to one endpoint in all processes together; a slow receiver gets one. With three, a receiver that
# answered at once got 2.6 events a second while workers were killed: the other deliveries wait for their turn.
MAX_IN_FLIGHT: Final = 10
# Consecutive slow attempts that make a receiver slow. If the last of them failed, the circuit breaker pauses
# deliveries; each further failure doubles the pause.
MAX_SLOW_ATTEMPTS: Final = 3
FIRST_PAUSE: Final = timedelta(minutes=1)
MAX_PAUSE: Final = timedelta(hours=1)
# A delivery that was postponed for this long has failed.
MAX_WAIT: Final = timedelta(hours=24)
# Tests and replays per hour, of one endpoint and of all endpoints of an owner.
_HOUR: Final = timedelta(hours=1)
TEST_BUDGETS: Final = (Budget("webhook tests", 30, _HOUR), Budget("webhook tests of an owner", 90, _HOUR))
REPLAY_BUDGETS: Final = (Budget("webhook replays", 300, _HOUR), Budget("webhook replays of an owner", 900, _HOUR))
PING: Final = "ping"
PLATFORM_TYPES: Final = frozenset(EventType) - LIVE_ONLY
# Warnings of fraud are for the platform.
BARBER_TYPES: Final = frozenset(
    kind
    for kind in PLATFORM_TYPES
    if kind.value.startswith(("booking.", "review.", "payment.", "payout.", "adjustment.", "barber."))
    and kind is not EventType.PAYMENT_FRAUD_WARNING
)


class DisabledReason(StrEnum):
    """Names the reason: OWNER by its owner; GONE after a 410; FAILING after ten or more failures over five days."""

    OWNER = "owner"
    GONE = "gone"
    FAILING = "failing"


class Disabled(Struct, frozen=True):
    reason: DisabledReason
    at: datetime


class StoredSecret(Struct, frozen=True):
    """Holds a secret as sealed by `SecretSealer`. An older secret signs beside the newest until `valid_until`."""

    sealed: bytes
    valid_until: datetime | None = None


class RequestLease(Struct, frozen=True):
    """Holds the lease of a request in flight, which expires at `until`."""

    claim: str
    until: datetime


class Endpoint(Struct, frozen=True, kw_only=True):
    """Describes a webhook endpoint. `owner_id` is a barber's; None for an endpoint of the platform.

    `slot` numbers an owner's endpoints, so that a unique index can limit them. Empty `types` mean all types that the
    owner may see. `secrets` come newest first. `failures` counts the failures since the last success and
    `failing_since` is the time of the first; `warned_at` is when the owner was warned of them. `slow` counts
    consecutive slow attempts; no request is sent before `paused_until`.
    """

    id: UUID = field(name="_id")
    owner_id: UUID | None
    slot: Annotated[int, Meta(ge=0, le=MAX_ENDPOINTS - 1)]
    url: str
    types: Annotated[list[EventType], stored_items(at_most=100)]
    description: str
    disabled: Disabled | None = None
    failing_since: datetime | None = None
    failures: int = 0
    warned_at: datetime | None = None
    slow: int = 0
    paused_until: datetime | None = None
    in_flight: Annotated[list[RequestLease], Meta(max_length=MAX_IN_FLIGHT)] = []
    secrets: Annotated[list[StoredSecret], Meta(max_length=MAX_SECRETS)]
    created_at: datetime

    def accepts(self, event: Event) -> bool:
        return self._may_see(event) and (not self.types or event.type in self.types)

    def _may_see(self, event: Event) -> bool:
        """Return whether the owner may see the event.

        The platform sees all events but the events for live clients, a barber those of their own bookings, reviews,
        payments, payouts, adjustments and commission.
        """
        if self.owner_id is None:
            return event.type in PLATFORM_TYPES
        return event.type in BARBER_TYPES and self.owner_id in event.people


class DeliveryState(StrEnum):
    """Names the state of a delivery. A replay makes a delivery `pending` again."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class Attempt(Struct, frozen=True, kw_only=True):
    """Describes one request to the receiver."""

    at: datetime
    """Start of the request."""
    run: int
    """0 for the event itself and its retries; otherwise the number of the replay."""
    status: int | None
    """HTTP status of the receiver; null if no whole response came."""
    duration_ms: int
    """Milliseconds until the response or the failure."""
    error: Annotated[str, Meta(examples=["The receiver answered 500."])] | None
    """Reason of the failure, in English; null if delivered."""
    answer: Annotated[str, Meta(examples=["Internal Server Error"])]
    """The first 1,000 characters of the receiver's response body."""


class Delivery(Struct, frozen=True, kw_only=True):
    """Describes the delivery of one event to one endpoint. Every attempt sends the same bytes of `body`."""

    id: UUID = field(name="_id")
    endpoint_id: UUID
    event_id: UUID
    type: str
    body: bytes
    state: DeliveryState
    attempts: Annotated[list[Attempt], Meta(max_length=MAX_ATTEMPTS)]
    replays: int = 0
    delivered_at: datetime | None = None
    created_at: datetime


class SendWebhook(Struct, frozen=True):
    """Holds the payload of a job of the kind `WEBHOOK`."""

    endpoint_id: UUID
    event_id: UUID
    run: int = 0

    @property
    def claim(self) -> str:
        """Name the lease of its request. A worker that repeats the delivery of a dead worker has the same name."""
        return f"{self.event_id}.{self.run}"


def delivery_job(delivery: Delivery) -> NewJob:
    """Return the job of a delivery, or of its newest replay."""
    replay = f":replay:{delivery.replays}" if delivery.replays else ""
    return NewJob(
        f"{delivery.event_id}:webhook:{delivery.endpoint_id}{replay}",
        WEBHOOK,
        {"endpoint_id": str(delivery.endpoint_id), "event_id": str(delivery.event_id), "run": delivery.replays},
    )
