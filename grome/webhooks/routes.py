"""Serve `/v1/webhooks`."""

from typing import Final
from uuid import UUID

from sanic import Request

from grome.common.actor import ADMINS, BARBERS, Actor
from grome.common.errors import NotFound
from grome.infrastructure.http import Routes, resolve
from grome.webhooks.errors import EndpointDisabled, TooManyEndpoints, TooManySends
from grome.webhooks.schemas import (
    DeliveryOut,
    DeliveryPage,
    DeliveryQuery,
    DeliveryWithBody,
    EndpointIn,
    EndpointList,
    EndpointOut,
    NewEndpoint,
    NewSecret,
)
from grome.webhooks.service import WebhookService

webhooks = Routes(
    "webhooks", "/v1/webhooks", about="Endpoints of yours that receive signed events, with their deliveries."
)
_OWNERS: Final = BARBERS | ADMINS
_SENDING: Final = (NotFound, EndpointDisabled, TooManySends)


@webhooks.post("/endpoints", who=_OWNERS, status=201, refusals=(TooManyEndpoints,))
async def create_webhook_endpoint(request: Request, actor: Actor, body: EndpointIn) -> NewEndpoint:
    """Create a webhook endpoint, at most ten.

    Its signing secret is returned only in this response. A barber's endpoints receive the events of the barber's own
    bookings, reviews, payments and payouts; the platform's endpoints, which admins share, receive all events.
    """
    return await resolve(request, WebhookService).create(actor, body)


@webhooks.get("/endpoints", who=_OWNERS)
async def list_webhook_endpoints(request: Request, actor: Actor) -> EndpointList:
    """List your endpoints, oldest first."""
    return await resolve(request, WebhookService).list_endpoints(actor)


@webhooks.get("/endpoints/{endpoint_id}", who=_OWNERS, refusals=(NotFound,))
async def read_webhook_endpoint(request: Request, actor: Actor, endpoint_id: UUID) -> EndpointOut:
    """Return one of your endpoints, with the reason if it is disabled."""
    return await resolve(request, WebhookService).get(actor, endpoint_id)


@webhooks.put("/endpoints/{endpoint_id}", who=_OWNERS, refusals=(NotFound,))
async def put_webhook_endpoint(request: Request, actor: Actor, endpoint_id: UUID, body: EndpointIn) -> EndpointOut:
    """Replace an endpoint's settings, disable it or enable it again.

    Pending deliveries go to the new URL.
    """
    return await resolve(request, WebhookService).update(actor, endpoint_id, body)


@webhooks.delete("/endpoints/{endpoint_id}", who=_OWNERS, status=204, refusals=(NotFound,))
async def remove_webhook_endpoint(request: Request, actor: Actor, endpoint_id: UUID) -> None:
    """Delete an endpoint and its deliveries."""
    await resolve(request, WebhookService).remove(actor, endpoint_id)


@webhooks.post("/endpoints/{endpoint_id}/secret", who=_OWNERS, refusals=(NotFound,))
async def rotate_webhook_secret(request: Request, actor: Actor, endpoint_id: UUID) -> NewSecret:
    """Create a new signing secret for an endpoint.

    It is returned only in this response. For 24 hours, every delivery is also signed by the previous secret.
    """
    return await resolve(request, WebhookService).rotate_secret(actor, endpoint_id)


@webhooks.post("/endpoints/{endpoint_id}/test", who=_OWNERS, status=202, refusals=_SENDING)
async def test_webhook_endpoint(request: Request, actor: Actor, endpoint_id: UUID) -> DeliveryOut:
    """Send an event of the type `ping` to an endpoint.

    At most 30 times an hour, or the answer is 429 `too_many_sends`. Read the result in the delivery.
    """
    return await resolve(request, WebhookService).send_test(actor, endpoint_id)


@webhooks.get("/endpoints/{endpoint_id}/deliveries", who=_OWNERS, refusals=(NotFound,))
async def list_webhook_deliveries(
    request: Request, actor: Actor, endpoint_id: UUID, query: DeliveryQuery
) -> DeliveryPage:
    """List the deliveries of an endpoint in the last 30 days, newest first."""
    return await resolve(request, WebhookService).list_deliveries(actor, endpoint_id, query)


@webhooks.get("/endpoints/{endpoint_id}/deliveries/{delivery_id}", who=_OWNERS, refusals=(NotFound,))
async def read_webhook_delivery(
    request: Request, actor: Actor, endpoint_id: UUID, delivery_id: UUID
) -> DeliveryWithBody:
    """Return one delivery, with the body of its requests."""
    return await resolve(request, WebhookService).get_delivery(actor, endpoint_id, delivery_id)


@webhooks.post(
    "/endpoints/{endpoint_id}/deliveries/{delivery_id}/replay",
    who=_OWNERS,
    status=202,
    refusals=_SENDING,
)
async def replay_webhook_delivery(request: Request, actor: Actor, endpoint_id: UUID, delivery_id: UUID) -> DeliveryOut:
    """Send a delivery again, in any state.

    It has the same `webhook-id` and the same body. At most 300 replays an hour are possible, or the answer is 429
    `too_many_sends`.
    """
    return await resolve(request, WebhookService).replay(actor, endpoint_id, delivery_id)
