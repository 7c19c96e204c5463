"""Manage webhook endpoints and their delivery logs, for their owners."""

import math
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec import structs

from grome.common.actor import Actor, Role
from grome.common.clock import Clock
from grome.common.errors import Invalid, NotFound, Unavailable
from grome.common.ids import new_id
from grome.infrastructure.http import cut_page, decode_cursor
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.mongo.access import managed_by
from grome.infrastructure.mongo.budgets import Budget, Budgets
from grome.infrastructure.mongo.client import Document, to_document
from grome.webhooks.errors import EndpointDisabled, TooManyEndpoints, TooManySends, UrlError
from grome.webhooks.models import (
    BARBER_TYPES,
    MAX_SECRETS,
    OLD_SECRET_VALIDITY,
    PING,
    PLATFORM_TYPES,
    REPLAY_BUDGETS,
    TEST_BUDGETS,
    Delivery,
    DeliveryState,
    Disabled,
    DisabledReason,
    Endpoint,
    StoredSecret,
    delivery_job,
)
from grome.webhooks.payloads import ping_payload
from grome.webhooks.repository import AfterDelivery, DeliveryRepository, EndpointRepository
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
    delivery_out,
    endpoint_out,
)
from grome.webhooks.signing import SecretSealer, encode_secret, new_secret
from grome.webhooks.ssrf_guard import parse_url

# Attempts of a rotation that conflicts with concurrent rotations; more conflicts in a row are a fault.
_ROTATION_ATTEMPTS: Final = 8


class WebhookService:
    def __init__(
        self,
        endpoints: EndpointRepository,
        deliveries: DeliveryRepository,
        sealer: SecretSealer,
        jobs: JobQueue,
        budgets: Budgets,
        clock: Clock,
        *,
        private_addresses: bool,
    ) -> None:
        self._endpoints, self._deliveries, self._sealer = endpoints, deliveries, sealer
        self._jobs, self._budgets, self._clock, self._private = jobs, budgets, clock, private_addresses

    async def find(self, endpoint_id: UUID) -> Endpoint | None:
        """Find an endpoint of any owner, for other features. Returns None if there is none.

        No field of the endpoint goes to a client as it is.
        """
        return await self._endpoints.find({}, endpoint_id)

    async def create(self, actor: Actor, body: EndpointIn) -> NewEndpoint:
        """Create an endpoint. Raises Invalid for the URL or a type, and TooManyEndpoints."""
        self._validate(actor, body)
        now, endpoint_id, secret = self._clock(), new_id(), new_secret()
        endpoint = Endpoint(
            id=endpoint_id,
            owner_id=managed_by(actor)["owner_id"],
            slot=0,
            url=body.url,
            types=list(dict.fromkeys(body.types)),
            description=body.description,
            disabled=None if body.enabled else Disabled(DisabledReason.OWNER, now),
            secrets=[StoredSecret(self._sealer.seal(secret, endpoint_id))],
            created_at=now,
        )
        if not await self._endpoints.add(endpoint):
            raise TooManyEndpoints
        return NewEndpoint(endpoint_out(endpoint), encode_secret(secret))

    async def list_endpoints(self, actor: Actor) -> EndpointList:
        return EndpointList([endpoint_out(endpoint) for endpoint in await self._endpoints.list_all(managed_by(actor))])

    async def get(self, actor: Actor, endpoint_id: UUID) -> EndpointOut:
        return endpoint_out(await self._get(actor, endpoint_id))

    async def update(self, actor: Actor, endpoint_id: UUID, body: EndpointIn) -> EndpointOut:
        """Change an endpoint; its failures are reset if it is enabled again or its URL changes.

        Raises NotFound, and Invalid for the URL or a type.
        """
        self._validate(actor, body)
        endpoint = await self._get(actor, endpoint_id)
        fields: Document = {
            "url": body.url,
            "types": [kind.value for kind in dict.fromkeys(body.types)],
            "description": body.description,
        }
        if body.enabled:
            fields["disabled"] = None
        elif endpoint.disabled is None:
            fields["disabled"] = to_document(Disabled(DisabledReason.OWNER, self._clock()))
        if body.url != endpoint.url or (body.enabled and endpoint.disabled):
            fields |= {"failing_since": None, "failures": 0, "warned_at": None, "slow": 0, "paused_until": None}
        changed = await self._endpoints.update(managed_by(actor), endpoint_id, fields)
        if changed is None:
            raise NotFound
        return endpoint_out(changed)

    async def remove(self, actor: Actor, endpoint_id: UUID) -> None:
        """Delete an endpoint with its log; requests on their way may still arrive. Raises NotFound."""
        if not await self._endpoints.remove(managed_by(actor), endpoint_id):
            raise NotFound
        await self._deliveries.remove_all(endpoint_id)

    async def rotate_secret(self, actor: Actor, endpoint_id: UUID) -> NewSecret:
        secret = new_secret()
        for _ in range(_ROTATION_ATTEMPTS):
            endpoint = await self._get(actor, endpoint_id)
            now = self._clock()
            until = now + OLD_SECRET_VALIDITY
            newest = StoredSecret(self._sealer.seal(secret, endpoint_id))
            older = _older_secrets(endpoint.secrets, now, until)
            if await self._endpoints.replace_secrets(endpoint, [newest, *older][:MAX_SECRETS]):
                return NewSecret(encode_secret(secret), until)
        raise Unavailable("The secret keeps changing; try again.")

    async def reseal_secrets(self) -> int:
        """Seal secrets by the current secrets key, so that former keys can be removed; returns the endpoints changed.

        An endpoint that changes meanwhile is left for the next time.
        """
        count = 0
        async for endpoint in self._endpoints.iter_all():
            secrets = [
                structs.replace(secret, sealed=self._sealer.reseal(secret.sealed, endpoint.id))
                for secret in endpoint.secrets
            ]
            if secrets != endpoint.secrets and await self._endpoints.replace_secrets(endpoint, secrets):
                count += 1
        return count

    async def send_test(self, actor: Actor, endpoint_id: UUID) -> DeliveryOut:
        """Send an event of the type `ping`. Raises NotFound, EndpointDisabled, TooManySends."""
        endpoint = await self._get_enabled(actor, endpoint_id)
        await self._spend(TEST_BUDGETS, endpoint)
        now = self._clock()
        delivery = Delivery(
            id=new_id(),
            endpoint_id=endpoint.id,
            event_id=new_id(),
            type=PING,
            body=ping_payload(endpoint.id, now),
            state=DeliveryState.PENDING,
            attempts=[],
            created_at=now,
        )
        await self._deliveries.add([delivery])
        await self._jobs.add(delivery_job(delivery))
        return delivery_out(delivery)

    async def list_deliveries(self, actor: Actor, endpoint_id: UUID, query: DeliveryQuery) -> DeliveryPage:
        after = decode_cursor(query.cursor, AfterDelivery)
        await self._get(actor, endpoint_id)
        found = await self._deliveries.page(endpoint_id, query.state, after, query.limit + 1)
        page, next_cursor = cut_page(found, query.limit, lambda row: AfterDelivery(row.id))
        return DeliveryPage([delivery_out(delivery) for delivery in page], next_cursor)

    async def get_delivery(self, actor: Actor, endpoint_id: UUID, delivery_id: UUID) -> DeliveryWithBody:
        await self._get(actor, endpoint_id)
        found = await self._deliveries.find(endpoint_id, delivery_id)
        if found is None:
            raise NotFound
        return DeliveryWithBody(delivery_out(found), found.body.decode())

    async def replay(self, actor: Actor, endpoint_id: UUID, delivery_id: UUID) -> DeliveryOut:
        """Send a delivery again with all tries, in any state. Raises NotFound, EndpointDisabled, TooManySends."""
        await self._spend(REPLAY_BUDGETS, await self._get_enabled(actor, endpoint_id))
        delivery = await self._deliveries.begin_replay(endpoint_id, delivery_id)
        if delivery is None:
            raise NotFound
        await self._jobs.add(delivery_job(delivery))
        return delivery_out(delivery)

    async def _spend(self, budgets: tuple[Budget, Budget], endpoint: Endpoint) -> None:
        """Take from the budgets of the endpoint and of its owner. Raises TooManySends."""
        for budget, subject in zip(budgets, (endpoint.id, endpoint.owner_id), strict=True):
            wait_s = await self._budgets.take(budget, str(subject))
            if wait_s is not None:
                raise TooManySends(headers={"Retry-After": str(math.ceil(wait_s))})

    async def _get(self, actor: Actor, endpoint_id: UUID) -> Endpoint:
        endpoint = await self._endpoints.find(managed_by(actor), endpoint_id)
        if endpoint is None:
            raise NotFound
        return endpoint

    async def _get_enabled(self, actor: Actor, endpoint_id: UUID) -> Endpoint:
        endpoint = await self._get(actor, endpoint_id)
        if endpoint.disabled:
            raise EndpointDisabled
        return endpoint

    def _validate(self, actor: Actor, body: EndpointIn) -> None:
        try:
            parse_url(body.url, private=self._private)
        except UrlError as error:
            raise Invalid("url", str(error)) from None
        seen = PLATFORM_TYPES if actor.role is Role.ADMIN else BARBER_TYPES
        for number, kind in enumerate(body.types):
            if kind not in seen:
                raise Invalid(f"types[{number}]", "is not visible to you")


def _older_secrets(secrets: Sequence[StoredSecret], now: datetime, until: datetime) -> list[StoredSecret]:
    """Return the secrets before a new secret: the newest is valid until `until`, older secrets keep their validity."""
    newest, *older = secrets
    return [
        StoredSecret(newest.sealed, until),
        *(secret for secret in older if secret.valid_until and secret.valid_until > now),
    ]
