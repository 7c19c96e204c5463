"""Store webhook endpoints and deliveries in MongoDB."""

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from msgspec import Struct, structs
from pymongo import IndexModel, ReturnDocument

from grome.infrastructure.mongo.client import (
    CollectionSpec,
    Database,
    Document,
    from_document,
    insert_missing,
    to_document,
    with_weak_writes,
)
from grome.infrastructure.mongo.numbered_documents import insert_with_free_number
from grome.infrastructure.mongo.schema import validator_for
from grome.webhooks.models import (
    DELIVERY_RETENTION,
    MAX_ATTEMPTS,
    MAX_ENDPOINTS,
    MAX_IN_FLIGHT,
    MAX_SLOW_ATTEMPTS,
    Attempt,
    Delivery,
    DeliveryState,
    Disabled,
    Endpoint,
    RequestLease,
    StoredSecret,
)

ENDPOINTS: Final = CollectionSpec(
    "webhook_endpoints",
    validator_for(Endpoint),
    # Limits the endpoints of an owner, and finds the endpoints for an event.
    [IndexModel([("owner_id", 1), ("slot", 1)], name="slot", unique=True)],
)
DELIVERIES: Final = CollectionSpec(
    "webhook_deliveries",
    validator_for(Delivery),
    [
        # An event that is dispatched twice makes one delivery.
        IndexModel([("endpoint_id", 1), ("event_id", 1)], name="event", unique=True),
        IndexModel([("endpoint_id", 1), ("_id", -1)], name="newest"),
        IndexModel("created_at", name="kept", expireAfterSeconds=int(DELIVERY_RETENTION.total_seconds())),
    ],
)


class AfterDelivery(Struct, frozen=True, forbid_unknown_fields=True):
    """Holds the position at which a page of the list ended."""

    id: UUID


class RequestResult(Struct, frozen=True, kw_only=True):
    """Holds the result of a request. Until `paused_until`, no other request may be sent."""

    claim: str
    at: datetime
    has_failed: bool
    is_slow: bool
    paused_until: datetime | None = None


class EndpointRepository:
    def __init__(self, database: Database) -> None:
        self._endpoints = database[ENDPOINTS.name]

    async def add(self, endpoint: Endpoint) -> bool:
        """Store an endpoint in a free slot of its owner; False if all slots are taken."""
        slot = await insert_with_free_number(
            self._endpoints,
            lambda slot: to_document(structs.replace(endpoint, slot=slot)),
            owner={"owner_id": endpoint.owner_id},
            field="slot",
            limit=MAX_ENDPOINTS,
        )
        return slot is not None

    async def find(self, scope: Document, endpoint_id: UUID) -> Endpoint | None:
        """Find an endpoint within `scope`, the filter that `managed_by` gives. Returns None if there is none."""
        document = await self._endpoints.find_one({**scope, "_id": endpoint_id})
        return from_document(document, Endpoint) if document else None

    async def list_all(self, scope: Document) -> list[Endpoint]:
        """Return all endpoints within `scope`, the oldest first."""
        found = self._endpoints.find(dict(scope)).sort("_id", 1)
        return [from_document(document, Endpoint) async for document in found]

    async def iter_all(self) -> AsyncIterator[Endpoint]:
        async for document in self._endpoints.find():
            yield from_document(document, Endpoint)

    async def list_enabled(self, people: Collection[UUID]) -> list[Endpoint]:
        """Return the enabled endpoints of `people` and of the platform."""
        found = self._endpoints.find({"owner_id": {"$in": [None, *people]}, "disabled": None})
        return [from_document(document, Endpoint) async for document in found]

    async def update(self, scope: Document, endpoint_id: UUID, fields: Document) -> Endpoint | None:
        document = await self._endpoints.find_one_and_update(
            {**scope, "_id": endpoint_id}, {"$set": fields}, return_document=ReturnDocument.AFTER
        )
        return from_document(document, Endpoint) if document else None

    async def replace_secrets(self, endpoint: Endpoint, secrets: Sequence[StoredSecret]) -> bool:
        """Replace the secrets of an endpoint. Returns False if they have changed since `endpoint` was read."""
        done = await self._endpoints.update_one(
            {"_id": endpoint.id, "secrets": [to_document(secret) for secret in endpoint.secrets]},
            {"$set": {"secrets": [to_document(secret) for secret in secrets]}},
        )
        return done.matched_count == 1

    async def acquire_lease(self, endpoint_id: UUID, lease: RequestLease, now: datetime) -> Endpoint | None:
        """Return the endpoint, with `lease` in it if a request may be sent now. Returns None if there is no endpoint.

        One atomic write, so that concurrent workers together begin no more requests than the endpoint may have. A lease
        with the same claim is replaced: the worker that had it is dead, or its job would not run again.
        """
        under_way = _live_leases_but(lease.claim, now)
        most = {"$cond": [{"$gte": [{"$ifNull": ["$slow", 0]}, MAX_SLOW_ATTEMPTS]}, 1, MAX_IN_FLIGHT]}
        is_open = {
            "$and": [
                {"$lt": [{"$size": under_way}, most]},
                {"$eq": [{"$ifNull": ["$disabled", None]}, None]},
                {"$lte": [{"$ifNull": ["$paused_until", now]}, now]},
            ]
        }
        begun = {"$concatArrays": [under_way, [to_document(lease)]]}
        return await self._update_leases(endpoint_id, {"in_flight": {"$cond": [is_open, begun, under_way]}})

    async def record_result(self, endpoint_id: UUID, ended: RequestResult, now: datetime) -> Endpoint | None:
        """End a lease and record the result of its request. A success resets the effects of all earlier failures."""
        slow = {"$add": [{"$ifNull": ["$slow", 0]}, 1]} if ended.is_slow else 0
        fields: Document = {"in_flight": _live_leases_but(ended.claim, now), "slow": slow}
        if ended.has_failed:
            fields["failing_since"] = {"$ifNull": ["$failing_since", ended.at]}
            fields["failures"] = {"$add": [{"$ifNull": ["$failures", 0]}, 1]}
            if ended.paused_until:
                fields["paused_until"] = {"$max": ["$paused_until", ended.paused_until]}
        else:
            fields |= {"failing_since": None, "failures": 0, "warned_at": None, "paused_until": None}
        return await self._update_leases(endpoint_id, fields)

    async def release_lease(self, endpoint_id: UUID, claim: str) -> None:
        """Remove the lease of a request that never ended."""
        await with_weak_writes(self._endpoints).update_one(
            {"_id": endpoint_id}, {"$pull": {"in_flight": {"claim": claim}}}
        )

    async def mark_warned(self, endpoint: Endpoint, now: datetime) -> bool:
        """Mark the owner as warned. Returns False if the owner was warned of these failures already."""
        as_read: Document = {"_id": endpoint.id, "warned_at": None, "failing_since": endpoint.failing_since}
        done = await self._endpoints.update_one(as_read, {"$set": {"warned_at": now}})
        return done.matched_count == 1

    async def _update_leases(self, endpoint_id: UUID, fields: Document) -> Endpoint | None:
        document = await with_weak_writes(self._endpoints).find_one_and_update(
            {"_id": endpoint_id}, [{"$set": fields}], return_document=ReturnDocument.AFTER
        )
        return from_document(document, Endpoint) if document else None

    async def disable(self, endpoint: Endpoint, disabled: Disabled) -> bool:
        """Disable the endpoint. Returns False if it is disabled, or has succeeded since `endpoint` was read."""
        as_read: Document = {"_id": endpoint.id, "disabled": None, "failing_since": endpoint.failing_since}
        done = await self._endpoints.update_one(as_read, {"$set": {"disabled": to_document(disabled)}})
        return done.matched_count == 1

    async def remove(self, scope: Document, endpoint_id: UUID) -> bool:
        done = await self._endpoints.delete_one({**scope, "_id": endpoint_id})
        return done.deleted_count == 1


class DeliveryRepository:
    def __init__(self, database: Database) -> None:
        self._deliveries = database[DELIVERIES.name]

    async def add(self, deliveries: Sequence[Delivery]) -> None:
        """Insert deliveries; existing deliveries stay unchanged."""
        await insert_missing(self._deliveries, [to_document(delivery) for delivery in deliveries])

    async def find(self, endpoint_id: UUID, delivery_id: UUID) -> Delivery | None:
        return await self._find_one({"_id": delivery_id, "endpoint_id": endpoint_id})

    async def find_by_event(self, endpoint_id: UUID, event_id: UUID) -> Delivery | None:
        return await self._find_one({"endpoint_id": endpoint_id, "event_id": event_id})

    async def page(
        self, endpoint_id: UUID, state: DeliveryState | None, after: AfterDelivery | None, limit: int
    ) -> list[Delivery]:
        """Return a page of an endpoint's deliveries, newest first."""
        wanted: Document = {"endpoint_id": endpoint_id}
        if state:
            wanted["state"] = state.value
        if after:
            wanted["_id"] = {"$lt": after.id}
        found = self._deliveries.find(wanted).sort("_id", -1).limit(limit)
        return [from_document(document, Delivery) async for document in found]

    async def begin_replay(self, endpoint_id: UUID, delivery_id: UUID) -> Delivery | None:
        """Start a replay and return the delivery with the replay's number in `replays`."""
        document = await self._deliveries.find_one_and_update(
            {"_id": delivery_id, "endpoint_id": endpoint_id},
            {"$inc": {"replays": 1}, "$set": {"state": DeliveryState.PENDING.value}},
            return_document=ReturnDocument.AFTER,
        )
        return from_document(document, Delivery) if document else None

    async def record_delivered(self, delivery: Delivery, attempt: Attempt) -> None:
        await self._add_attempt(
            {"_id": delivery.id}, attempt, {"state": DeliveryState.DELIVERED.value, "delivered_at": attempt.at}
        )

    async def record_failed(self, delivery: Delivery, attempt: Attempt) -> None:
        await self._add_attempt({"_id": delivery.id}, attempt, {})

    async def mark_failed(self, delivery: Delivery, run: int) -> None:
        """Mark the delivery as failed, unless a replay has begun or another run has delivered it."""
        await self._deliveries.update_one(
            {"_id": delivery.id, "replays": run, "state": DeliveryState.PENDING.value},
            {"$set": {"state": DeliveryState.FAILED.value}},
        )

    async def remove_all(self, endpoint_id: UUID) -> None:
        await self._deliveries.delete_many({"endpoint_id": endpoint_id})

    async def _find_one(self, wanted: Document) -> Delivery | None:
        document = await self._deliveries.find_one(wanted)
        return from_document(document, Delivery) if document else None

    async def _add_attempt(self, wanted: Document, attempt: Attempt, fields: dict[str, Any]) -> None:
        kept = {"$each": [to_document(attempt)], "$slice": -MAX_ATTEMPTS}
        await with_weak_writes(self._deliveries).update_one(
            wanted, {"$push": {"attempts": kept}, **({"$set": fields} if fields else {})}
        )


def _live_leases_but(claim: str, now: datetime) -> Document:
    """Return an expression for the leases that have not expired, without that of the claim."""
    is_live = {"$and": [{"$gt": ["$$this.until", now]}, {"$ne": ["$$this.claim", claim]}]}
    return {"$filter": {"input": {"$ifNull": ["$in_flight", []]}, "cond": is_live}}
