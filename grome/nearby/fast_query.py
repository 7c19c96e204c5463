"""Plain searches: those that most requests are, read without ceremony and answered without waiting.

A search is plain if it goes by distance from the beginning, spells its values without escapes, comes with no token or
with one that is remembered, and has a place that a tile covers. Whatever else it is, it is read with all the care and
all the refusals of the ordinary route. Both that route and the path past it ask here first.
"""

import re
from functools import lru_cache
from typing import Final

from grome.common.errors import Invalid
from grome.composition import AppContext
from grome.infrastructure.http.decoding import QueryDecoder
from grome.nearby.models import SearchKey
from grome.nearby.schemas import NearbyQuery
from grome.nearby.service import is_tileable, search_key_of

_DEGREES: Final = r"(-?\d{1,3}(?:\.\d{1,17})?)"
_CANONICAL: Final = re.compile(rf"lat={_DEGREES}&lng={_DEGREES}((?:&[a-z_]+=[A-Za-z0-9_.-]+)*)", re.ASCII)
_PARTS: Final = re.compile(r"[a-z_]+=[A-Za-z0-9_.-]+(?:&[a-z_]+=[A-Za-z0-9_.-]+)*", re.ASCII)
_decode: Final = QueryDecoder(NearbyQuery).decode
# All filters together, spelled out, take less. Of longer ones a thousand could take megabytes in `_question`.
_MAX_QUERY_CHARS: Final = 400


def try_fast_answer(context: AppContext, query: str, token: str | None) -> bytes | None:
    """The JSON of a `NearbyPage`; None where the search is not plain. `token` is the one that was sent, if any."""
    if len(query) > _MAX_QUERY_CHARS:
        return None
    usual = _CANONICAL.fullmatch(query) or _CANONICAL.fullmatch(_coordinates_first(query))
    if usual is None or (token is not None and context.verifier.cached(token) is None):
        return None
    latitude, longitude = float(usual[1]), float(usual[2])
    question = _search_key(usual[3])
    if question is None or not (-90 <= latitude <= 90 and -180 <= longitude <= 180):  # noqa: PLR2004 -- degrees
        return None
    return context.nearby.at_once(latitude, longitude, question)


def bearer_token(header: str | None) -> str | None:
    """The token of an `Authorization` header; empty, and so never remembered, where it holds none."""
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _coordinates_first(query: str) -> str:
    """The place first, as most clients write it."""
    if not _PARTS.fullmatch(query):
        return ""
    return "&".join(sorted(query.split("&"), key=_coordinate_rank))


def _coordinate_rank(part: str) -> int:
    return ("lat=", "lng=").index(part[:4]) if part[:4] in ("lat=", "lng=") else 2


@lru_cache(maxsize=1_000)
def _search_key(others: str) -> SearchKey | None:
    """What is asked beside the place; most clients send the same few."""
    sent = {"lat": ["0"], "lng": ["0"]}
    for part in others.split("&")[1:]:
        name, _, value = part.partition("=")
        sent[name] = [*sent.get(name, ()), value]
    try:
        query: NearbyQuery = _decode(sent)
    except Invalid:
        return None
    return search_key_of(query) if is_tileable(query) else None
