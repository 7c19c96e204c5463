"""`GET /v1/barbers/nearby`, the call behind every screen."""

from sanic import Request
from sanic.response import BaseHTTPResponse

from grome.common.actor import ANYONE
from grome.composition import app_context
from grome.infrastructure.http import Routes
from grome.infrastructure.http.prebuilt import PrebuiltResponse, sent
from grome.infrastructure.http.request_id import request_id
from grome.nearby.fast_query import bearer_token, try_fast_answer
from grome.nearby.schemas import NearbyPage, NearbyQuery

nearby = Routes("nearby", "/v1/barbers")


def fast_answer(request: Request) -> BaseHTTPResponse | None:
    token = bearer_token(request.headers.get("authorization"))
    body = try_fast_answer(app_context(request), request.query_string, token)
    return None if body is None else _respond(request, body)


@nearby.get("/nearby", who=ANYONE, answers={200: NearbyPage}, at_once=fast_answer)
async def nearby_barbers(request: Request, query: NearbyQuery) -> BaseHTTPResponse:
    """Barbers around a point, nearest first or by rating or price, with true distances.

    Where the database is away, an answer from memory says by `Age` how many seconds old it is.
    """
    answer = await app_context(request).nearby.search(query)
    return _respond(request, answer.body, answer.age_s)


def _respond(request: Request, body: bytes, age_s: int | None = None) -> PrebuiltResponse:
    # Nobody may keep an answer: it is right for one point, and for as long as nobody around it changes.
    encodings = request.headers.get("accept-encoding")
    return PrebuiltResponse(request_id(request), *sent(body, encodings, request.app.config.GZIP_MIN_BYTES, age_s))
