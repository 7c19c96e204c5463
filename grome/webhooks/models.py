"""Who is told of events over HTTP, and what was sent to whom."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta, Struct, field

from grome.infrastructure.jobs.models import JobKind, NewJob, Queue
from grome.infrastructure.mongo.budgets import Budget
from grome.infrastructure.mongo.schema import stored_items
from grome.infrastructure.outbox.models import Event, EventType

# An event is sent at once and up to six times more, over about 18 hours: what Standard Webhooks suggests.
WEBHOOK: Final = JobKind("webhook", Queue.WEBHOOKS, 150, (5, 300, 1_800, 7_200, 18_000, 36_000))
MAX_ENDPOINTS: Final = 10
MAX_ATTEMPTS: Final = 20
MAX_SECRETS: Final = 5
DELIVERY_RETENTION: Final = timedelta(days=30)
OLD_SECRET_VALIDITY: Final = timedelta(hours=24)
# An endpoint is disabled after so many failures in a row over so long, and its owner is warned before.
DISABLE_AFTER: Final = timedelta(days=5)
WARN_AFTER: Final = timedelta(days=1)
MIN_FAILURES: Final = 10
# Requests of one endpoint that are under way at a time, in all processes together; one where its receiver is slow. With
# three, a receiver that answers at once got 2.6 events a second while workers were killed: the others wait their turn.
MAX_IN_FLIGHT: Final = 10
# So many slow attempts in a row make a receiver slow. If the last one failed, nothing is sent for a while: the circuit
# breaker, which each further failure keeps open twice as long.
MAX_SLOW_ATTEMPTS: Final = 3
FIRST_PAUSE: Final = timedelta(minutes=1)
MAX_PAUSE: Final = timedelta(hours=1)
# A delivery that was put off for so long has failed.
MAX_WAIT: Final = timedelta(hours=24)
# Tests and replays that one endpoint, and all endpoints of one owner, can have in an hour.
_HOUR: Final = timedelta(hours=1)
TEST_BUDGETS: Final = (Budget("webhook tests", 30, _HOUR), Budget("webhook tests of an owner", 90, _HOUR))
REPLAY_BUDGETS: Final = (Budget("webhook replays", 300, _HOUR), Budget("webhook replays of an owner", 900, _HOUR))
PING: Final = "ping"
BARBER_TYPES: Final = frozenset(kind for kind in EventType if kind.value.startswith(("booking.", "review.")))


class DisabledReason(StrEnum):
    """By its owner, or by Grome: the receiver answered 410, or ten or more attempts in five days have all failed."""

    OWNER = "owner"
    GONE = "gone"
    FAILING = "failing"


class Disabled(Struct, frozen=True):
    reason: DisabledReason
    at: datetime


class StoredSecret(Struct, frozen=True):
    """A secret as `signing.Vault` sealed it. An older one signs beside the newest until `valid_until`."""

    sealed: bytes
    valid_until: datetime | None = None


class RequestLease(Struct, frozen=True):
    """A request that is under way, up to `until` at most."""

    claim: str
    until: datetime


class Endpoint(Struct, frozen=True, kw_only=True):
    """Where events are sent to.

    `owner_id` is a barber's, None for the platform's own. `slot` numbers an owner's endpoints, so that a unique index
    can bound them. No `types` are all that the owner may see. `secrets` come newest first. `failing_since` is when the
    first of the failures was that no success has followed, and `failures` how many there were; `warned_at` is when the
    owner was told of them. `slow` counts slow attempts in a row; nothing is sent before `paused_until`.
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
        """The platform sees all; a barber the bookings that are theirs, and what is said of these."""
        return self.owner_id is None or (event.type in BARBER_TYPES and self.owner_id in event.people)


class DeliveryState(StrEnum):
    """`pending` is anew whoever replays."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class Attempt(Struct, frozen=True, kw_only=True):
    """One request. `run` is 0 for the tries that the event itself brought, else the number of the replay.

    `status` is null where no whole answer came; `answer` is how its body began.
    """

    at: datetime
    run: int
    status: int | None
    duration_ms: int
    error: str | None
    answer: str


class Delivery(Struct, frozen=True, kw_only=True):
    """One event for one endpoint. `body` is what every attempt sends, to the byte."""

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
    """The payload of a job of the kind `WEBHOOK`."""

    endpoint_id: UUID
    event_id: UUID
    run: int = 0


def delivery_job(delivery: Delivery) -> NewJob:
    """The job that sends it: the first one, or that of its newest replay."""
    replay = f":replay:{delivery.replays}" if delivery.replays else ""
    return NewJob(
        f"{delivery.event_id}:webhook:{delivery.endpoint_id}{replay}",
        WEBHOOK,
        {"endpoint_id": str(delivery.endpoint_id), "event_id": str(delivery.event_id), "run": delivery.replays},
    )
