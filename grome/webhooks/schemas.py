"""Webhooks on the wire of the API; what receivers get is in `messages.py`."""

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
        description="Begins with https://, and leads to a public address.",
        examples=["https://example.com/hooks"],
    ),
]
Types = Annotated[
    list[EventType],
    Meta(max_length=len(EventType), description="What is sent; none stands for all that you may see."),
]
Description = Annotated[str, Meta(max_length=200), NOTE]


class EndpointIn(Struct, frozen=True, forbid_unknown_fields=True):
    url: Url
    types: Types = []
    description: Description = ""
    enabled: bool = True


class EndpointOut(Struct, frozen=True):
    """`failing_since` is when the first of the failures was that no success has followed."""

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
    """The one time that the secret is told."""

    endpoint: EndpointOut
    secret: str


class EndpointList(Struct, frozen=True):
    items: list[EndpointOut]


class NewSecret(Struct, frozen=True):
    """The one time that it is told. Until `previous_valid_until` every delivery is signed by the one before too."""

    secret: str
    previous_valid_until: datetime


class DeliveryQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    state: DeliveryState | None = None


class DeliveryOut(Struct, frozen=True):
    """`event_id` is what the receiver gets as `webhook-id`. The attempts are the last twenty, oldest first."""

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
    """`body` is what every attempt sends, to the byte."""

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
