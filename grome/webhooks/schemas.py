"""Define the bodies of requests and responses about webhooks; `payloads.py` defines the webhooks themselves."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from grome.common.text import NOTE
from grome.infrastructure.http import PageQuery
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
Description = Annotated[str, Meta(max_length=200), NOTE]


class EndpointIn(Struct, frozen=True, forbid_unknown_fields=True):
    url: Url
    types: Types = []
    description: Description = ""
    enabled: bool = True


class EndpointOut(Struct, frozen=True):
    """Describes an endpoint. `failing_since` is the time of the first failure since the last success."""

    id: UUID
    url: str
    types: list[EventType]
    description: str
    enabled: bool
    disabled_reason: DisabledReason | None
    disabled_at: datetime | None
    failing_since: datetime | None
    created_at: datetime


class NewEndpoint(Struct, frozen=True):
    """Holds a new endpoint with its secret, which is returned only once."""

    endpoint: EndpointOut
    secret: str


class EndpointList(Struct, frozen=True):
    items: list[EndpointOut]


class NewSecret(Struct, frozen=True):
    """Holds a new secret, which is returned only once. Until `previous_valid_until`, the previous secret signs too."""

    secret: str
    previous_valid_until: datetime


class DeliveryQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    state: DeliveryState | None = None


class DeliveryOut(Struct, frozen=True):
    """Describes a delivery. Receivers get `event_id` as `webhook-id`. It has the last 20 attempts, oldest first."""

    id: UUID
    event_id: UUID
    type: str
    state: DeliveryState
    attempts: list[Attempt]
    replays: int
    delivered_at: datetime | None
    created_at: datetime


class DeliveryPage(Struct, frozen=True):
    items: list[DeliveryOut]
    next_cursor: str | None


class DeliveryWithBody(Struct, frozen=True):
    """Holds a delivery with its `body`, of which every attempt sends the same bytes."""

    delivery: DeliveryOut
    body: str


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
