"""Serve `GET /v1/barbers/nearby`, the most frequent request."""

import time

from sanic import Request
from sanic.response import BaseHTTPResponse

from grome.common.actor import ANYONE
from grome.common.addresses import host_of
from grome.infrastructure.http import LimitClass, Routes, resolve
from grome.infrastructure.http.client import client_address
from grome.infrastructure.http.prebuilt import PrebuiltResponse, sent
from grome.infrastructure.http.request_id import request_id
from grome.infrastructure.rate_limits.models import Verdict
from grome.nearby.fast_query import FastQueries, bearer_token
from grome.nearby.schemas import NearbyPage, NearbyQuery
from grome.nearby.service import NearbyService

nearby = Routes("nearby", "/v1/barbers", about="Find approved barbers around a point, by distance, rating or price.")


def fast_answer(request: Request) -> BaseHTTPResponse | None:
    token, queries = bearer_token(request.headers.get("authorization")), resolve(request, FastQueries)
    host = host_of(client_address(request))
    found = queries.try_answer(request.query_string, token, host, time.perf_counter())
    if found is None:
        return None
    page, ahead_s, request.ctx.actor = found
    request.ctx.verdict = Verdict(queries.quota, ahead_s, 0.0)
    return _respond(request, page)


@nearby.get("/nearby", who=ANYONE, answers={200: NearbyPage}, at_once=fast_answer, limit=LimitClass.SEARCH)
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
