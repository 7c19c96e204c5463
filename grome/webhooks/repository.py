"""Endpoints and deliveries in MongoDB."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from msgspec import Struct, structs
from pymongo import IndexModel, ReturnDocument

from grome.common.actor import Actor, Role
from grome.common.mongo import (
    CollectionSpec,
    Database,
    Document,
    from_document,
    in_passing,
    insert_missing,
    to_document,
)
from grome.common.mongo_places import insert_in_free_place
from grome.common.mongo_schema import validator_for
from grome.webhooks.models import (
    KEPT,
    MOST_ATTEMPTS,
    MOST_ENDPOINTS,
    Attempt,
    Delivery,
    DeliveryState,
    Disabled,
    Endpoint,
    StoredSecret,
)

ENDPOINTS: Final = CollectionSpec(
    "webhook_endpoints",
    validator_for(Endpoint),
    # Holds how many an owner can have, and finds those that an event is sent to.
    [IndexModel([("owner_id", 1), ("slot", 1)], name="slot", unique=True)],
)
DELIVERIES: Final = CollectionSpec(
    "webhook_deliveries",
    validator_for(Delivery),
    [
        # An event that is handed on twice makes one delivery.
        IndexModel([("endpoint_id", 1), ("event_id", 1)], name="event", unique=True),
        IndexModel([("endpoint_id", 1), ("_id", -1)], name="newest"),
        IndexModel("created_at", name="kept", expireAfterSeconds=int(KEPT.total_seconds())),
    ],
)


class AfterDelivery(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a page of the list ended."""

    id: UUID


class EndpointRepository:
    def __init__(self, database: Database) -> None:
        self._endpoints = database[ENDPOINTS.name]

    async def add(self, endpoint: Endpoint) -> bool:
        """Store an endpoint in a free slot of its owner; False if all slots are taken."""
        slot = await insert_in_free_place(
            self._endpoints,
            lambda slot: to_document(structs.replace(endpoint, slot=slot)),
            owner={"owner_id": endpoint.owner_id},
            field="slot",
            limit=MOST_ENDPOINTS,
        )
        return slot is not None

    async def find(self, scope: Document, endpoint_id: UUID) -> Endpoint | None:
        """Within `scope`, the filter that `managed_by` gives."""
        document = await self._endpoints.find_one({**scope, "_id": endpoint_id})
        return from_document(document, Endpoint) if document else None

    async def all(self, scope: Document) -> list[Endpoint]:
        """The oldest first."""
        found = self._endpoints.find(dict(scope)).sort("_id", 1)
        return [from_document(document, Endpoint) async for document in found]

    async def enabled_of(self, people: Collection[UUID]) -> list[Endpoint]:
        """Theirs and the platform's."""
        found = self._endpoints.find({"owner_id": {"$in": [None, *people]}, "disabled": None})
        return [from_document(document, Endpoint) async for document in found]

    async def change(self, scope: Document, endpoint_id: UUID, fields: Document) -> Endpoint | None:
        document = await self._endpoints.find_one_and_update(
            {**scope, "_id": endpoint_id}, {"$set": fields}, return_document=ReturnDocument.AFTER
        )
        return from_document(document, Endpoint) if document else None

    async def replace_secrets(self, endpoint: Endpoint, secrets: Sequence[StoredSecret]) -> bool:
        """False where others than `endpoint` has are there by now."""
        done = await self._endpoints.update_one(
            {"_id": endpoint.id, "secrets": [to_document(secret) for secret in endpoint.secrets]},
            {"$set": {"secrets": [to_document(secret) for secret in secrets]}},
        )
        return done.matched_count == 1

    async def note_success(self, endpoint_id: UUID) -> None:
        failing = {"_id": endpoint_id, "failing_since": {"$ne": None}}
        await in_passing(self._endpoints).update_one(failing, {"$set": {"failing_since": None}})

    async def note_failure(self, endpoint_id: UUID, now: datetime) -> None:
        """The first after a success counts."""
        await self._endpoints.update_one({"_id": endpoint_id, "failing_since": None}, {"$set": {"failing_since": now}})

    async def disable(self, endpoint: Endpoint, disabled: Disabled) -> bool:
        """Whether it was enabled, and no success has come since `endpoint` was read."""
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
        """Leaves those that are there as they are."""
        await insert_missing(self._deliveries, [to_document(delivery) for delivery in deliveries])

    async def find(self, endpoint_id: UUID, delivery_id: UUID) -> Delivery | None:
        return await self._find_one({"_id": delivery_id, "endpoint_id": endpoint_id})

    async def find_by_event(self, endpoint_id: UUID, event_id: UUID) -> Delivery | None:
        return await self._find_one({"endpoint_id": endpoint_id, "event_id": event_id})

    async def page(
        self, endpoint_id: UUID, state: DeliveryState | None, after: AfterDelivery | None, limit: int
    ) -> list[Delivery]:
        """The newest first."""
        wanted: Document = {"endpoint_id": endpoint_id}
        if state:
            wanted["state"] = state.value
        if after:
            wanted["_id"] = {"$lt": after.id}
        found = self._deliveries.find(wanted).sort("_id", -1).limit(limit)
        return [from_document(document, Delivery) async for document in found]

    async def begin_replay(self, endpoint_id: UUID, delivery_id: UUID) -> Delivery | None:
        """With the replay's number in `replays`."""
        document = await self._deliveries.find_one_and_update(
            {"_id": delivery_id, "endpoint_id": endpoint_id},
            {"$inc": {"replays": 1}, "$set": {"state": DeliveryState.PENDING.value}},
            return_document=ReturnDocument.AFTER,
        )
        return from_document(document, Delivery) if document else None

    async def note_delivered(self, delivery: Delivery, attempt: Attempt) -> None:
        await self._note(
            {"_id": delivery.id}, attempt, {"state": DeliveryState.DELIVERED.value, "delivered_at": attempt.at}
        )

    async def note_failed(self, delivery: Delivery, attempt: Attempt) -> None:
        await self._note({"_id": delivery.id}, attempt, {})

    async def give_up(self, delivery: Delivery, run: int) -> None:
        """Failed, unless a replay has begun or another run has delivered it meanwhile."""
        await self._deliveries.update_one(
            {"_id": delivery.id, "replays": run, "state": DeliveryState.PENDING.value},
            {"$set": {"state": DeliveryState.FAILED.value}},
        )

    async def remove_all(self, endpoint_id: UUID) -> None:
        await self._deliveries.delete_many({"endpoint_id": endpoint_id})

    async def _find_one(self, wanted: Document) -> Delivery | None:
        document = await self._deliveries.find_one(wanted)
        return from_document(document, Delivery) if document else None

    async def _note(self, wanted: Document, attempt: Attempt, fields: dict[str, Any]) -> None:
        kept = {"$each": [to_document(attempt)], "$slice": -MOST_ATTEMPTS}
        await in_passing(self._deliveries).update_one(
            wanted, {"$push": {"attempts": kept}, **({"$set": fields} if fields else {})}
        )


def managed_by(actor: Actor) -> Document:
    """The filter of the endpoints that are an actor's: barbers have their own, admins share the platform's."""
    return {"owner_id": None if actor.role is Role.ADMIN else actor.id}
