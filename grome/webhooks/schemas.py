"""Define the bodies of requests and responses about webhooks; `payloads.py` defines the webhooks themselves."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta, Struct

from grome.common.text import NOTE
from grome.infrastructure.http import NextCursor, PageQuery
from grome.infrastructure.outbox.models import EventType
from grome.webhooks.models import Attempt, Delivery, DeliveryState, DisabledReason, Endpoint

Url = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=1_000,
        description="An https:// URL with a public address.",
        examples=["https://example.com/hooks"],
    ),
]
Types = Annotated[
    list[EventType],
    Meta(max_length=len(EventType), description="Event types to send; an empty list means all types that you may see."),
]
_DESCRIPTION: Final = "Bookings into the till"
Description = Annotated[str, Meta(max_length=200, examples=[_DESCRIPTION]), NOTE]
Secret = Annotated[str, Meta(examples=["whsec_ZXhhbXBsZSBzZWNyZXQgb2YgMzIgYnl0ZXMgaGVyZSE="])]


class EndpointIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Sets the address of a webhook endpoint and the events to send."""

    url: Url
    types: Types = []
    description: Description = ""
    """Your note about the endpoint."""
    enabled: bool = True
    """False disables the endpoint; true enables it again, also after failures."""


class EndpointOut(Struct, frozen=True):
    """Describes an endpoint."""

    id: UUID
    """Id of the endpoint; the path parameter `endpoint_id`."""
    url: Annotated[str, Meta(examples=["https://example.com/hooks"])]
    """Address that receives the events."""
    types: list[EventType]
    """Event types to send; empty for all types that you may see."""
    description: Annotated[str, Meta(examples=[_DESCRIPTION])]
    """Your note about the endpoint."""
    enabled: bool
    """Whether events are sent."""
    disabled_reason: DisabledReason | None
    """`gone`: the receiver answered 410. `failing`: it failed for five days. Null while enabled."""
    disabled_at: datetime | None
    """Time at which it was disabled; null while enabled."""
    failing_since: datetime | None
    """First failure since the last success; null while deliveries succeed."""
    created_at: datetime
    """Time of the creation."""


class NewEndpoint(Struct, frozen=True):
    """Holds a new endpoint with its secret, which is returned only once."""

    endpoint: EndpointOut
    """The created endpoint."""
    secret: Secret
    """Key for verifying signatures, `whsec_` and base64; store it now, it is not shown again."""


class EndpointList(Struct, frozen=True):
    """Holds your webhook endpoints."""

    items: list[EndpointOut]
    """Your endpoints, oldest first."""


class NewSecret(Struct, frozen=True):
    """Holds a new secret, which is returned only once."""

    secret: Secret
    """Key for verifying signatures, `whsec_` and base64; store it now, it is not shown again."""
    previous_valid_until: datetime
    """Until then deliveries carry a signature by the previous secret too."""


class DeliveryQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    state: DeliveryState | None = None
    """Only deliveries in this state."""


class DeliveryOut(Struct, frozen=True):
    """Describes the delivery of one event to one endpoint."""

    id: UUID
    """Id of the delivery; the path parameter `delivery_id`."""
    event_id: UUID
    """Id of the event, which receivers get as `webhook-id`; deduplicate by it."""
    type: Annotated[str, Meta(examples=["booking.accepted"])]
    """Type of the event, or `ping` for a test."""
    state: DeliveryState
    """A `failed` delivery is not retried; replay it. A replay makes it `pending` again."""
    attempts: list[Attempt]
    """The last 20 requests, oldest first."""
    replays: int
    """Number of replays that were requested."""
    delivered_at: datetime | None
    """Time of the latest success; null before the first."""
    created_at: datetime
    """Time at which the event was queued for the endpoint."""


class DeliveryPage(Struct, frozen=True):
    """Holds a page of deliveries, newest first."""

    items: list[DeliveryOut]
    """Deliveries of the last 30 days, newest first."""
    next_cursor: NextCursor


class DeliveryWithBody(Struct, frozen=True):
    """Holds a delivery with the body of its requests."""

    delivery: DeliveryOut
    """The delivery with its attempts."""
    body: str
    """Body of every request, as JSON text; the signature is over exactly these bytes."""


def endpoint_out(endpoint: Endpoint) -> EndpointOut:
    disabled = endpoint.disabled
    return EndpointOut(
        endpoint.id,
        endpoint.url,
        endpoint.types,
        endpoint.description,
        disabled is None,
        disabled.reason if disabled else None,
        disabled.at if disabled else None,
        endpoint.failing_since,
        endpoint.created_at,
    )


def delivery_out(delivery: Delivery) -> DeliveryOut:
    return DeliveryOut(
        delivery.id,
        delivery.event_id,
        delivery.type,
        delivery.state,
        delivery.attempts,
        delivery.replays,
        delivery.delivered_at,
        delivery.created_at,
    )
