"""`GET /v1/barbers/nearby` behind a cache in Redis."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from benchmarks.peers.fastapi_motor.auth import PersonOrNone
from benchmarks.peers.fastapi_motor.search import NearbyPage, NearbyQuery, search

CACHED_S = 30
router = APIRouter(prefix="/v1/barbers")


@router.get("/nearby", response_model=NearbyPage)
async def nearby(request: Request, query: Annotated[NearbyQuery, Query()], _person: PersonOrNone) -> Response:
    """The ready bytes are cached, so that a hit neither decodes nor encodes."""
    redis, key = request.app.state.redis, _cache_key(query)
    body = await redis.get(key)
    if body is None:
        page = await search(request.app.state.database, query)
        body = page.model_dump_json().encode()
        await redis.set(key, body, ex=CACHED_S)
    return Response(body, media_type="application/json")


def _cache_key(query: NearbyQuery) -> str:
    """Positions within about a hundred metres share an answer."""
    place = f"{query.lat:.3f}:{query.lng:.3f}:{query.radius_km}"
    narrowing = f"{query.service_id}:{query.price_max}:{query.rating_min}:{query.online}"
    return f"peer:nearby:{place}:{narrowing}:{query.sort}:{query.limit}:{query.cursor}"
