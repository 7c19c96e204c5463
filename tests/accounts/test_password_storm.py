"""A storm of sign-ins: some are answered, the rest is refused at once, and the event loop serves everybody else."""

import asyncio
import time
from collections import Counter

import msgspec
import pytest

from config.settings import Settings
from grome.accounts.bounded_threads import BoundedThreads
from grome.accounts.passwords import PasswordHasher, Peppers
from grome.common.errors import Unavailable
from tests.builders.people import PASSWORD, register
from tests.support.app import serve_app
from tests.support.http_client import http_client

_LOGINS, _QUEUE = 200, 8


async def test_storm_of_logins_is_refused_beyond_the_queue_while_other_requests_are_served(
    settings: Settings,
    database: None,  # noqa: ARG001
) -> None:
    accounts = msgspec.structs.replace(settings.accounts, bcrypt_rounds=9, password_queue=_QUEUE)
    changed = msgspec.structs.replace(settings, accounts=accounts)
    async with serve_app(changed) as app, http_client(app.ctx.base_url) as http:
        person = await register(http)
        body = {"email": person.email, "password": PASSWORD}
        logins = [asyncio.ensure_future(http.post("/v1/auth/login", json=body)) for _ in range(_LOGINS)]
        served = 0
        while not all(login.done() for login in logins):
            assert (await http.get("/v1/me", headers=person.auth)).status_code == 200
            served += 1
        answers = [login.result() for login in logins]
    statuses = Counter(answer.status_code for answer in answers)
    assert set(statuses) == {200, 503}
    assert statuses[200] >= _QUEUE
    assert statuses[503] > statuses[200]
    refused = [answer for answer in answers if answer.status_code == 503]
    assert all(int(answer.headers["retry-after"]) > 0 for answer in refused)
    assert {answer.json()["code"] for answer in refused} == {"unavailable"}
    assert served > 1


async def test_full_queue_refuses_before_any_accepted_check_is_done() -> None:
    hasher = PasswordHasher(10, Peppers({}), threads=1, max_pending=_QUEUE)
    done: list[str] = []

    async def check() -> None:
        try:
            await hasher.find_match(PASSWORD, [None, None])
        except Unavailable:
            done.append("refused")
        else:
            done.append("checked")

    await asyncio.gather(*(check() for _ in range(_LOGINS)))
    assert done == ["refused"] * (_LOGINS - _QUEUE) + ["checked"] * _QUEUE
    hasher.close()


async def test_check_of_a_cancelled_request_holds_its_place_until_its_thread_is_done() -> None:
    """Otherwise clients that hang up could queue any number of checks."""
    hasher = PasswordHasher(8, Peppers({}), threads=1, max_pending=1)
    checking = asyncio.ensure_future(hasher.find_match(PASSWORD, [None] * 20))
    await asyncio.sleep(0)
    checking.cancel()
    with pytest.raises(Unavailable):
        await hasher.find_match(PASSWORD, [None])
    hasher.close()


async def test_queue_is_shorter_while_calls_take_long() -> None:
    threads = BoundedThreads("test", 1, 100, max_wait_s=0.2)
    await threads.run(time.sleep, 0.1)
    results = await asyncio.gather(*(threads.run(time.sleep, 0.1) for _ in range(10)), return_exceptions=True)
    done = [result for result in results if result is None]
    assert 1 <= len(done) <= 3
    assert {type(result) for result in results if result is not None} == {Unavailable}
    await threads.run(time.sleep, 0)  # an idle queue takes a call in any case
    threads.close()
