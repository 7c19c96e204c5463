"""Barbers in MongoDB, and the search around a point."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct
from pymongo import IndexModel, ReturnDocument

from grome.barbers.models import Barber, GeoPoint
from grome.common.mongo import CollectionSpec, Database, Document, from_document, insert_missing, to_document
from grome.common.mongo_schema import validator_for

COLLECTION = CollectionSpec(
    "barbers",
    validator_for(Barber),
    [
        IndexModel([("location", "2dsphere")], name="location"),
        IndexModel([("services.service_id", 1), ("location", "2dsphere")], name="service_location"),
    ],
)
# Where nobody offers anything the price sort still needs a number; it is above every Amount.
NO_PRICE: Final = 10**12


class Nearby(Struct, frozen=True):
    """A search around a point. Distances are metres; `service_id`, `price_max`, `rating_min` and `online` narrow it."""

    point: GeoPoint
    radius_m: float
    service_id: UUID | None
    price_max: int | None
    rating_min: float | None
    online: bool | None
    sort: str


class AfterBarber(Struct, frozen=True):
    """Where a page ended: the sort's key, then distance, then id, which no two barbers share."""

    key: float
    distance_m: float
    id: UUID


class BarberRepository:
    def __init__(self, database: Database) -> None:
        self._barbers = database[COLLECTION.name]

    async def add_many(self, barbers: Sequence[Barber]) -> int:
        """Add those whose id is free and leave the rest; returns how many were added."""
        return await insert_missing(self._barbers, [to_document(barber) for barber in barbers])

    async def find(self, barber_id: UUID) -> Barber | None:
        document = await self._barbers.find_one({"_id": barber_id})
        return from_document(document, Barber) if document else None

    async def find_many(self, barber_ids: Iterable[UUID]) -> list[Barber]:
        documents = await self._barbers.find({"_id": {"$in": list(barber_ids)}}).to_list()
        return [from_document(document, Barber) for document in documents]

    async def put_profile(self, barber: Barber, profile_fields: Sequence[str]) -> Barber:
        """Write `profile_fields` of `barber`; a first write stores the whole."""
        document = to_document(barber)
        del document["version"]
        profile = {name: document.pop(name) for name in (*profile_fields, "updated_at")}
        del document["_id"]
        stored = await self._barbers.find_one_and_update(
            {"_id": barber.id},
            {"$set": profile, "$setOnInsert": document, "$inc": {"version": 1}},
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        return from_document(stored or {}, Barber)  # an upsert always returns its document

    async def remove(self, barber_id: UUID) -> Barber | None:
        """The barber as they were; None where there is no such barber."""
        stored = await self._barbers.find_one_and_delete({"_id": barber_id})
        return from_document(stored, Barber) if stored else None

    async def set_field(self, barber_id: UUID, name: str, value: object, now: datetime) -> Barber | None:
        """Replace one field by a Struct, a list of them or a plain value; None where there is no such barber."""
        plain = msgspec.to_builtins(value, builtin_types=(datetime, UUID))
        stored = await self._barbers.find_one_and_update(
            {"_id": barber_id},
            {"$set": {name: plain, "updated_at": now}, "$inc": {"version": 1}},
            return_document=ReturnDocument.AFTER,
        )
        return from_document(stored, Barber) if stored else None

    async def nearby(self, wanted: Nearby, after: AfterBarber | None, limit: int) -> list[tuple[Barber, AfterBarber]]:
        """In the order of the sort, each with its place in it. Exact: `$geoNear` measures from the true point."""
        stages: list[dict[str, Any]] = [
            {
                "$geoNear": {
                    "near": to_document(wanted.point),
                    "key": "location",
                    "distanceField": "distance_m",
                    "maxDistance": wanted.radius_m,
                    "spherical": True,
                    "query": _narrowing(wanted),
                }
            },
            {"$set": {"key": _sort_key(wanted)}},
        ]
        if after:
            stages.append({"$match": {"$or": _beyond(after)}})
        stages += [{"$sort": {"key": 1, "distance_m": 1, "_id": 1}}, {"$limit": limit}]
        found = await self._barbers.aggregate(stages)
        return [
            (
                from_document(document, Barber),
                AfterBarber(float(document["key"]), document["distance_m"], document["_id"]),
            )
            async for document in found
        ]


def _narrowing(wanted: Nearby) -> Document:
    query: Document = {}
    offer: Document = {}
    if wanted.service_id:
        offer["service_id"] = wanted.service_id
    if wanted.price_max is not None:
        offer["price"] = {"$lte": wanted.price_max}
    if offer:
        query["services"] = {"$elemMatch": offer}
    if wanted.rating_min is not None:
        query["rating"] = {"$gte": wanted.rating_min}
    if wanted.online is not None:
        query["is_online"] = wanted.online
    return query


def _sort_key(wanted: Nearby) -> Any:  # noqa: ANN401 -- an aggregation expression
    if wanted.sort == "rating":
        return {"$multiply": ["$rating", -1]}
    if wanted.sort == "distance":
        return "$distance_m"
    offers: Any = "$services"
    if wanted.service_id:
        offers = {"$filter": {"input": "$services", "cond": {"$eq": ["$$this.service_id", wanted.service_id]}}}
    prices = {"$map": {"input": offers, "in": "$$this.price"}}
    return {"$ifNull": [{"$min": prices}, NO_PRICE]}


def _beyond(after: AfterBarber) -> list[Document]:
    return [
        {"key": {"$gt": after.key}},
        {"key": after.key, "distance_m": {"$gt": after.distance_m}},
        {"key": after.key, "distance_m": after.distance_m, "_id": {"$gt": after.id}},
    ]
