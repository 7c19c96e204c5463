"""Refresh one session 50 times at once through two API workers."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Final

import httpx

from tests.builders.people import Person, register
from tests.proofs.proof import Proof, Result, Tell, open_world
from tests.support.http_client import http_client
from tests.support.processes import running_grome_beside

_SESSIONS: Final = 20
_REFRESHES: Final = 50


async def _prove(home: Path, tell: Tell) -> Result:
    statuses, one_child, alive = Counter[int](), 0, 0
    async with (
        open_world(home) as world,
        running_grome_beside(world.settings, home, GROME_JOBS_WORKERS="0") as grome,
        http_client(grome.url) as http,
    ):
        for _ in range(_SESSIONS):
            answers = await _refresh_at_once(http, await register(http))
            statuses.update(answer.status_code for answer in answers)
            children = {answer.json().get("refresh_token") for answer in answers}
            one_child += len(children) == 1
            alive += (await _refresh(http, children.pop())).status_code == 200
    tell(f"answers: {dict(statuses)}")
    result = Result()
    result.hold(f"one child in {one_child} of {_SESSIONS} sessions", holds=one_child == _SESSIONS)
    result.hold(f"{alive} sessions live on", holds=alive == _SESSIONS)
    result.hold(f"{statuses[200]:,} refreshes answered 200", holds=statuses == {200: _SESSIONS * _REFRESHES})
    return result


async def _refresh_at_once(http: httpx.AsyncClient, person: Person) -> list[httpx.Response]:
    return list(await asyncio.gather(*(_refresh(http, person.refresh_token) for _ in range(_REFRESHES))))


async def _refresh(http: httpx.AsyncClient, token: str) -> httpx.Response:
    return await http.post("/v1/auth/refresh", json={"refresh_token": token})


PROOF: Final = Proof(
    "refreshes",
    f"{_REFRESHES} concurrent refreshes of a session, {_SESSIONS} sessions, two API workers: one child each, and the "
    "session lives on",
    _prove,
)
