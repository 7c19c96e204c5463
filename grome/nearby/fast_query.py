"""Answer the first page by distance from a cached tile, without waiting; most requests ask for such a page.

A query can be answered here if its values have no escapes, its token is absent or cached, and a tile covers the point.
Every other query gets the complete checks and error responses of the ordinary route. The fast path and the ordinary
route both try this first.
"""

import re
from functools import lru_cache
from typing import Final

from config.sections.servers import HttpSettings
from grome.accounts.verifier import Verifier
from grome.common.actor import Actor
from grome.common.errors import Invalid
from grome.infrastructure.http.decoding import QueryDecoder
from grome.infrastructure.http.prebuilt import encode_lines
from grome.infrastructure.http.request_metrics import CountedRoute
from grome.infrastructure.http.standard_headers import security_headers
from grome.infrastructure.rate_limits.buckets import Buckets
from grome.nearby.index import NearbyIndex
from grome.nearby.models import SearchKey
from grome.nearby.schemas import NearbyQuery, search_of

PATH: Final = "/v1/barbers/nearby"
_DEGREES: Final = r"(-?\d{1,3}(?:\.\d{1,17})?)"
_CANONICAL: Final = re.compile(rf"lat={_DEGREES}&lng={_DEGREES}((?:&[a-z_]+=[A-Za-z0-9_.-]+)*)", re.ASCII)
_PARAMETERS: Final = re.compile(r"[a-z_]+=[A-Za-z0-9_.-]+(?:&[a-z_]+=[A-Za-z0-9_.-]+)*", re.ASCII)
_decode: Final = QueryDecoder(NearbyQuery).decode
# All filters together take less. A thousand longer queries could take megabytes in the cache of `_search_key`.
_MAX_QUERY_CHARS: Final = 400


FastAnswer = tuple[bytes, float, Actor | None]


class FastQueries:
    """Answers plain searches from memory."""

    def __init__(self, index: NearbyIndex, verifier: Verifier, limits: Buckets, http: HttpSettings) -> None:
        self._index, self._verifier, self._limits = index, verifier, limits
        self.quota, self.counted = limits.quota, CountedRoute(PATH, "GET", 200)
        self.gzip_min_bytes, self.logs_lines = http.gzip_min_bytes, http.access_log
        # All headers of the response that are the same each time; the numbers of the last one follow.
        lines = (*security_headers(http), (b"RateLimit-Policy", self.quota.policy))
        self.fixed_lines = encode_lines(lines) + b'RateLimit: "%b";r=' % self.quota.name.encode()

    def try_answer(
        self, query: str, token: str | None, host: str, now: float
    ) -> tuple[bytes, float, Actor | None] | None:
        """Return the JSON of a `NearbyPage`, how far the client's bucket of searches is ahead, and the actor.

        Returns None if the ordinary route has to answer. `token` is the bearer token, and `host` stands for clients
        without one in the limit of searches. `now` is the time of `time.perf_counter`.
        """
        if len(query) > _MAX_QUERY_CHARS:
            return None
        canonical = _CANONICAL.fullmatch(query) or _CANONICAL.fullmatch(_coordinates_first(query))
        actor = None if token is None else self._verifier.cached(token)
        if canonical is None or (token is not None and actor is None):
            return None
        latitude, longitude = float(canonical[1]), float(canonical[2])
        search_key = _search_key(canonical[3])
        if search_key is None or not (-90 <= latitude <= 90 and -180 <= longitude <= 180):  # noqa: PLR2004 -- degrees
            return None
        page = self._index.find_page(latitude, longitude, search_key)
        if page is None:
            return None
        ahead = self._limits.spend(host if actor is None else actor.id.int, now)
        return None if ahead is None else (page, ahead, actor)


def bearer_token(header: str | None) -> str | None:
    """Return the token of an `Authorization` header; empty, and so never cached, if the header has none."""
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _coordinates_first(query: str) -> str:
    """Move the coordinates to the front, where most clients write them."""
    if not _PARAMETERS.fullmatch(query):
        return ""
    return "&".join(sorted(query.split("&"), key=_coordinate_rank))


def _coordinate_rank(parameter: str) -> int:
    return ("lat=", "lng=").index(parameter[:4]) if parameter[:4] in ("lat=", "lng=") else 2


@lru_cache(maxsize=1_000)
def _search_key(parameters: str) -> SearchKey | None:
    """Decode the parameters after the coordinates; most clients send the same few."""
    values = {"lat": ["0"], "lng": ["0"]}
    for parameter in parameters.split("&")[1:]:
        name, _, value = parameter.partition("=")
        values[name] = [*values.get(name, ()), value]
    try:
        query: NearbyQuery = _decode(values)
        return None if query.has_window else search_of(query).tile_key(query.limit)
    except Invalid:
        return None
