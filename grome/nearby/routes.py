"""`GET /v1/barbers/nearby`, the call behind every screen."""

from sanic import Request
from sanic.response import BaseHTTPResponse

from grome.common.actor import ANYONE
from grome.common.http import Routes
from grome.common.http.ready import ReadyResponse
from grome.common.http.request_id import request_id
from grome.context import app_context
from grome.nearby.answers import sent
from grome.nearby.schemas import NearbyPage, NearbyQuery

nearby = Routes("nearby", "/v1/barbers")


@nearby.get("/nearby", who=ANYONE, answers={200: NearbyPage})
async def nearby_barbers(request: Request, query: NearbyQuery) -> BaseHTTPResponse:
    """Barbers around a point, nearest first or by rating or price, with true distances.

    Where the database is away, an answer from memory says by `Age` how many seconds old it is.
    """
    answer = await app_context(request).nearby.nearby(query)
    gzip_from = request.app.config.GZIP_MIN_BYTES
    encodings = request.headers.get("accept-encoding", "")
    return ReadyResponse(*sent(answer.body, request_id(request), encodings, gzip_from, answer.age_s))
