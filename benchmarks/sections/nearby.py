"""The nearest barbers: Grome against its floors, the uncached query and the peer, on hot spots and anywhere."""

import statistics
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import msgspec

from benchmarks.bench import DEMO, Bench
from benchmarks.load import LoadFailed, Requests
from benchmarks.places import AROUND_DEG, Place, city_centres, hot_spots, query, uniform
from benchmarks.report import Report, Table
from benchmarks.rounds import COLUMNS, Contender, Results, instruction_ratio, race, ratio, row
from benchmarks.servers import Server, constant_floor, fastapi_peer, geo_near_floor
from benchmarks.stopping import run_async
from benchmarks.targets import Target, targets_table
from benchmarks.world import lay_demo, new_customers

PATH: Final = "/v1/barbers/nearby"
ABOUT_4_KB: Final = 6
BARE, TOKEN = "floor: bare Sanic, same bytes", "floor: the same, remembered token"
ORDINARY, FAST = "Grome, ordinary route", "Grome, protocol fast path (default)"
QUERY, PEER = "uncached: one $geoNear", "peer: FastAPI, Motor, Redis cache"
# More than any of them answers in a second; repeated only where a machine is faster still.
_MOST_A_SECOND: Final = 30_000
_CHECKED: Final = 100


@dataclass(frozen=True, slots=True)
class Asked:
    """A way of asking: hot spots or anywhere, and for how many barbers (None: the default of 20)."""

    title: str
    limit: int | None
    hot: bool


HOT = Asked(f"Hot spots, limit {ABOUT_4_KB}", ABOUT_4_KB, hot=True)
UNIFORM = Asked(f"Anywhere, limit {ABOUT_4_KB}", ABOUT_4_KB, hot=False)
TWENTY = Asked("Hot spots, default limit of 20", None, hot=True)


def run(bench: Bench) -> Report:
    run_async(lay_demo(bench))
    (token,) = run_async(new_customers(bench, DEMO, 1))
    data = bench.data(DEMO)
    with ExitStack() as stack:
        servers = {
            ORDINARY: stack.enter_context(bench.grome(ORDINARY, DEMO, GROME_NEARBY_FAST_PATH="false")),
            FAST: stack.enter_context(bench.grome(FAST, DEMO, GROME_NEARBY_FAST_PATH="true")),
            QUERY: stack.enter_context(geo_near_floor(data, cpu=bench.core)),
            PEER: stack.enter_context(fastapi_peer(data, cpu=bench.core)),
        }
        raced = {asked: _race(bench, asked, servers, token) for asked in (HOT, UNIFORM, TWENTY)}
    tables = [table for _, table in raced.values()]
    found = {asked: results for asked, (results, _) in raced.items()}
    return Report([targets_table("Nearby: figures to reach", _targets(found)), *tables])


def _race(bench: Bench, asked: Asked, servers: dict[str, Server], token: str) -> tuple[Results, Table]:
    places = _checked_places(asked)
    size = _check(servers, places, asked.limit, token)
    with _floors(bench, servers[ORDINARY], query(places[0], asked.limit), token) as floors:
        contenders = [
            Contender(name, server, lambda turn, seconds: _requests(asked, token, turn, seconds))
            for name, server in {**floors, **servers}.items()
        ]
        results = race(bench, asked.title, contenders)
    note = f"Before it, {len(places)} points were answered alike by all; the median answer had {size:,} bytes."
    return results, Table(f"Nearby: {asked.title}", COLUMNS, [row(results, one.name) for one in contenders], [note])


def _requests(asked: Asked, token: str, turn: str, seconds: int) -> Requests:
    places = hot_spots() if asked.hot else uniform(_MOST_A_SECOND * seconds, turn, city_centres(), AROUND_DEG)
    return requests_for(places, asked.limit, token)


def requests_for(places: Sequence[Place], limit: int | None, token: str) -> Requests:
    after = f" HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n"
    return Requests(f"GET {PATH}?", [query(place, limit) for place in places], after)


def _targets(found: dict[Asked, Results]) -> list[Target]:
    hot, anywhere = found[HOT], found[UNIFORM]
    instructions = instruction_ratio(hot, ORDINARY, TOKEN)
    return [
        Target("ordinary route ÷ floor with remembered token, hot spots", ratio(hot, ORDINARY, TOKEN), least=0.9),
        Target("the same, anywhere", ratio(anywhere, ORDINARY, TOKEN), least=0.9),
        Target("the same in instructions, hot spots", instructions, most=1.1),
        Target("fast path ÷ bare floor, hot spots", ratio(hot, FAST, BARE), least=1.4),
        Target("the same, anywhere", ratio(anywhere, FAST, BARE), least=1.4),
        Target("Grome by default ÷ peer, hot spots", ratio(hot, FAST, PEER), least=8, digits=1),
        Target("Grome by default ÷ peer, anywhere", ratio(anywhere, FAST, PEER), least=20, digits=1),
    ]


# ---- that all answer alike


@contextmanager
def _floors(bench: Bench, grome: Server, asked: str, token: str) -> Iterator[dict[str, Server]]:
    """Return both floors, which send Grome's own response to the query `asked`."""
    body, headers = _get(grome, asked, token)
    key = bench.data(DEMO).public_key
    with (
        constant_floor(body, headers, public_key=None, cpu=bench.core) as bare,
        constant_floor(body, headers, public_key=key, cpu=bench.core) as remembering,
    ):
        floors = {BARE: bare, TOKEN: remembering}
        for name, floor in floors.items():
            if _get(floor, asked, token)[0] != body:
                raise LoadFailed(f"{name} does not send Grome's bytes")
        yield floors


def _checked_places(asked: Asked) -> list[Place]:
    """Round points to three decimals except hot spots: the peer rounds to as many, so that it answers exactly."""
    if asked.hot:
        return hot_spots()
    places = uniform(_CHECKED, "checked", city_centres(), AROUND_DEG)
    return [(round(lat, 3), round(lng, 3)) for lat, lng in places]


def _check(servers: dict[str, Server], places: list[Place], limit: int | None, token: str) -> int:
    """Raises LoadFailed where two do not answer alike; returns the median size of an answer, which the first gives."""
    sizes = []
    for place in places:
        answers = {name: _get(server, query(place, limit), token)[0] for name, server in servers.items()}
        if answers[ORDINARY] != answers[FAST]:
            raise LoadFailed(f"At {place} the fast path does not send the ordinary route's bytes")
        ranked = {name: _ranked(body) for name, body in answers.items()}
        if wrong := [name for name in ranked if ranked[name] != ranked[ORDINARY]]:
            raise LoadFailed(f"At {place} these find others than Grome does: {', '.join(wrong)}")
        sizes.append(len(answers[ORDINARY]))
    return round(statistics.median(sizes))


def _ranked(body: bytes) -> list[tuple[float, str]]:
    """Return distances and ids in the order of the response; equal distances are ordered by id."""
    items: list[dict[str, Any]] = msgspec.json.decode(body)["items"]
    distances = [item["distance_m"] for item in items]
    if distances != sorted(distances):
        raise LoadFailed("An answer is not in the order of distance")
    return sorted((item["distance_m"], item["id"]) for item in items)


def _get(server: Server, asked: str, token: str) -> tuple[bytes, dict[str, str]]:
    request = Request(f"{server.url}{PATH}?{asked}", headers={"Authorization": f"Bearer {token}"})  # noqa: S310 -- http
    try:
        with urlopen(request, timeout=10) as answer:  # noqa: S310 -- as above
            return answer.read(), dict(answer.headers)
    except HTTPError as refused:
        raise LoadFailed(f"{server.name} answers {refused.code}: {refused.read().decode()}") from None
