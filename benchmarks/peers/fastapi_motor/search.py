"""The search around a point: one aggregation that starts with `$geoNear`."""

import base64
import binascii
from http import HTTPStatus
from typing import Annotated, Any, Literal
from uuid import UUID

from motor.motor_asyncio import AsyncIOMotorDatabase
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from benchmarks.peers.fastapi_motor.problems import Problem

Document = dict[str, Any]
NO_PRICE = 10**12  # sorts a barber who offers nothing behind all others
SHOWN = ("display_name", "location", "currency", "services", "rating", "reviews_count", "is_online", "distance_m")


class NearbyQuery(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    lat: Annotated[float, Field(ge=-90, le=90)]
    lng: Annotated[float, Field(ge=-180, le=180)]
    radius_km: Annotated[float, Field(gt=0, le=50)] = 5.0
    service_id: UUID | None = None
    price_max: Annotated[int, Field(ge=0, le=10**9)] | None = None
    rating_min: Annotated[float, Field(ge=0, le=5)] | None = None
    online: bool | None = None
    sort: Literal["distance", "rating", "price"] = "distance"
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    cursor: Annotated[str, Field(max_length=400)] | None = None


class LatLng(BaseModel):
    lat: float
    lng: float


class Offer(BaseModel):
    service_id: UUID
    name: str
    price: int
    currency: str
    duration_min: int


class NearbyBarber(BaseModel):
    id: UUID
    name: str
    location: LatLng
    distance_m: float
    rating: float
    reviews_count: int
    is_online: bool
    services: list[Offer]


class NearbyPage(BaseModel):
    items: list[NearbyBarber]
    next_cursor: str | None


# Where a page ended: the sort's key, the distance in metres, the barber's id.
After = tuple[float, float, UUID]
AFTER = TypeAdapter(After)


async def search(database: AsyncIOMotorDatabase[Document], query: NearbyQuery) -> NearbyPage:
    """Raises Problem 422 for a cursor that is not ours."""
    stages = _stages(query, _read_cursor(query.cursor) if query.cursor else None)
    found = await database.barbers.aggregate(stages).to_list(None)
    page = found[: query.limit]
    next_cursor = _write_cursor(page[-1]) if len(found) > query.limit else None
    items = [_nearby_barber(barber) for barber in page]
    return NearbyPage.model_validate({"items": items, "next_cursor": next_cursor})


def _stages(query: NearbyQuery, after: After | None) -> list[Document]:
    near: Document = {
        "near": {"type": "Point", "coordinates": [query.lng, query.lat]},
        "key": "location",
        "distanceField": "distance_m",
        "maxDistance": query.radius_km * 1000,
        "spherical": True,
        "query": _filter(query),
    }
    stages: list[Document] = [{"$geoNear": near}, {"$set": {"key": _sort_key(query)}}]
    if after:
        key, distance, barber_id = after
        if query.sort == "distance":
            near["minDistance"] = max(distance - 0.01, 0)  # a centimetre less, since it is turned into radians
        further = [{"distance_m": {"$gt": distance}}, {"distance_m": distance, "_id": {"$gt": barber_id}}]
        stages.append({"$match": {"$or": [{"key": {"$gt": key}}, {"key": key, "$or": further}]}})
    if query.sort != "distance":  # `$geoNear` itself gives the nearest first, and with a limit stops early
        stages.append({"$sort": {"key": 1, "distance_m": 1, "_id": 1}})
    return [*stages, {"$limit": query.limit + 1}, {"$project": dict.fromkeys((*SHOWN, "key"), 1)}]


def _filter(query: NearbyQuery) -> Document:
    wanted: Document = {}
    offer: Document = {}
    if query.service_id is not None:
        offer["service_id"] = query.service_id
    if query.price_max is not None:
        offer["price"] = {"$lte": query.price_max}
    if offer:
        wanted["services"] = {"$elemMatch": offer}
    if query.rating_min is not None:
        wanted["rating"] = {"$gte": query.rating_min}
    if query.online is not None:
        wanted["is_online"] = query.online
    return wanted


def _sort_key(query: NearbyQuery) -> Any:  # noqa: ANN401 -- an aggregation expression
    if query.sort == "distance":
        return "$distance_m"
    if query.sort == "rating":
        return {"$multiply": ["$rating", -1]}
    offers: Any = "$services"
    if query.service_id is not None:
        offers = {"$filter": {"input": offers, "cond": {"$eq": ["$$this.service_id", query.service_id]}}}
    return {"$ifNull": [{"$min": {"$map": {"input": offers, "in": "$$this.price"}}}, NO_PRICE]}


def _nearby_barber(barber: Document) -> Document:
    lng, lat = barber["location"]["coordinates"]
    return {
        "id": barber["_id"],
        "name": barber["display_name"],
        "location": {"lat": lat, "lng": lng},
        "distance_m": round(barber["distance_m"], 1),
        "rating": barber["rating"],
        "reviews_count": barber["reviews_count"],
        "is_online": barber["is_online"],
        "services": [{**offer, "currency": barber["currency"]} for offer in barber["services"]],
    }


def _write_cursor(last: Document) -> str:
    return base64.urlsafe_b64encode(AFTER.dump_json((last["key"], last["distance_m"], last["_id"]))).decode()


def _read_cursor(cursor: str) -> After:
    try:
        return AFTER.validate_json(base64.urlsafe_b64decode(cursor))
    except (binascii.Error, ValidationError, ValueError):
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", "The cursor is not one of this list") from None
