"""Serve `GET /v1/barbers/nearby`, the most frequent request."""

from sanic import Request
from sanic.response import BaseHTTPResponse

from grome.common.actor import ANYONE
from grome.infrastructure.http import Routes, resolve
from grome.infrastructure.http.prebuilt import PrebuiltResponse, sent
from grome.infrastructure.http.request_id import request_id
from grome.nearby.fast_query import FastQueries, bearer_token
from grome.nearby.schemas import NearbyPage, NearbyQuery
from grome.nearby.service import NearbyService

nearby = Routes("nearby", "/v1/barbers")


def fast_answer(request: Request) -> BaseHTTPResponse | None:
    token = bearer_token(request.headers.get("authorization"))
    body = resolve(request, FastQueries).try_answer(request.query_string, token)
    return None if body is None else _respond(request, body)


@nearby.get("/nearby", who=ANYONE, answers={200: NearbyPage}, at_once=fast_answer)
async def nearby_barbers(request: Request, query: NearbyQuery) -> BaseHTTPResponse:
    """List barbers around a point by distance, rating or price, with exact distances.

    While the database is unavailable, barbers may be served from memory; `Age` then states their age in seconds.
    """
    answer = await resolve(request, NearbyService).search(query)
    return _respond(request, answer.body, answer.age_s)


def _respond(request: Request, body: bytes, age_s: int | None = None) -> PrebuiltResponse:
    # Sent as `no-store`: an answer holds for a single point, and only until a barber around it changes.
    encodings = request.headers.get("accept-encoding")
    return PrebuiltResponse(request_id(request), *sent(body, encodings, request.app.config.GZIP_MIN_BYTES, age_s))
