"""`/v1/webhooks`."""

from typing import Final
from uuid import UUID

from sanic import Request

from grome.common.actor import ADMINS, BARBERS, Actor
from grome.common.errors import NotFound
from grome.common.http import Routes
from grome.context import app_context
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

webhooks = Routes("webhooks", "/v1/webhooks")
_OWNERS: Final = BARBERS | ADMINS
_SENDING: Final = (NotFound, EndpointDisabled, TooManySends)


@webhooks.post("/endpoints", who=_OWNERS, status=201, refusals=(TooManyEndpoints,))
async def create_webhook_endpoint(request: Request, actor: Actor, body: EndpointIn) -> NewEndpoint:
    """Have events sent to a URL of yours. The secret that they are signed with is told this once.

    A barber's endpoints are sent what happens to the barber's bookings; the platform's, which admins share, everything.
    """
    return await app_context(request).webhooks.create(actor, body)


@webhooks.get("/endpoints", who=_OWNERS)
async def list_webhook_endpoints(request: Request, actor: Actor) -> EndpointList:
    """Your endpoints, the oldest first; there are ten at most."""
    return await app_context(request).webhooks.all(actor)


@webhooks.get("/endpoints/{endpoint_id}", who=_OWNERS, refusals=(NotFound,))
async def read_webhook_endpoint(request: Request, actor: Actor, endpoint_id: UUID) -> EndpointOut:
    """One endpoint of yours, and why it is disabled if it is."""
    return await app_context(request).webhooks.read(actor, endpoint_id)


@webhooks.put("/endpoints/{endpoint_id}", who=_OWNERS, refusals=(NotFound,))
async def put_webhook_endpoint(request: Request, actor: Actor, endpoint_id: UUID, body: EndpointIn) -> EndpointOut:
    """Change an endpoint as a whole, disable it or enable it again. What is still to be sent goes to the new URL."""
    return await app_context(request).webhooks.change(actor, endpoint_id, body)


@webhooks.delete("/endpoints/{endpoint_id}", who=_OWNERS, status=204, refusals=(NotFound,))
async def remove_webhook_endpoint(request: Request, actor: Actor, endpoint_id: UUID) -> None:
    """Delete an endpoint with its deliveries."""
    await app_context(request).webhooks.remove(actor, endpoint_id)


@webhooks.post("/endpoints/{endpoint_id}/secret", who=_OWNERS, refusals=(NotFound,))
async def rotate_webhook_secret(request: Request, actor: Actor, endpoint_id: UUID) -> NewSecret:
    """Get a new secret, told this once. For 24 hours everything is signed by the one before too."""
    return await app_context(request).webhooks.rotate(actor, endpoint_id)


@webhooks.post("/endpoints/{endpoint_id}/test", who=_OWNERS, status=202, refusals=_SENDING)
async def test_webhook_endpoint(request: Request, actor: Actor, endpoint_id: UUID) -> DeliveryOut:
    """Have an event of the type `ping` sent; at most 30 times an hour."""
    return await app_context(request).webhooks.test(actor, endpoint_id)


@webhooks.get("/endpoints/{endpoint_id}/deliveries", who=_OWNERS, refusals=(NotFound,))
async def list_webhook_deliveries(
    request: Request, actor: Actor, endpoint_id: UUID, query: DeliveryQuery
) -> DeliveryPage:
    """What was sent and is to be sent to an endpoint in the last 30 days, the newest first."""
    return await app_context(request).webhooks.deliveries(actor, endpoint_id, query)


@webhooks.get("/endpoints/{endpoint_id}/deliveries/{delivery_id}", who=_OWNERS, refusals=(NotFound,))
async def read_webhook_delivery(
    request: Request, actor: Actor, endpoint_id: UUID, delivery_id: UUID
) -> DeliveryWithBody:
    """One delivery, with what is sent."""
    return await app_context(request).webhooks.delivery(actor, endpoint_id, delivery_id)


@webhooks.post(
    "/endpoints/{endpoint_id}/deliveries/{delivery_id}/replay",
    who=_OWNERS,
    status=202,
    refusals=_SENDING,
)
async def replay_webhook_delivery(request: Request, actor: Actor, endpoint_id: UUID, delivery_id: UUID) -> DeliveryOut:
    """Send it once more under the same `webhook-id`, whatever came of it before; at most 300 times an hour."""
    return await app_context(request).webhooks.replay(actor, endpoint_id, delivery_id)
