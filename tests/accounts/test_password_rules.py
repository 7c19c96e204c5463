"""Judgement of new passwords: bounded in time, and by a service for breached passwords that never sees them."""

import hashlib
import time
from collections.abc import Iterator

import pytest

from grome.accounts.breached_passwords import BreachedPasswords
from grome.accounts.password_rules import PasswordRules
from grome.common.errors import Invalid
from tests.builders.http_server import ReceivedRequest, Reply, http_server

BREACHED, UNKNOWN = "correct horse battery staple 1", "purple elephants sing 42"


@pytest.fixture
def rules() -> Iterator[PasswordRules]:
    made = PasswordRules(max_pending=4)
    yield made
    made.close()


async def test_password_of_many_look_alike_symbols_is_judged_in_bounded_time(rules: PasswordRules) -> None:
    """The estimate of the whole text takes ten seconds of CPU, so a few requests would stop all registrations."""
    began = time.process_time()
    await rules.require_strong("password", "4@8({[<369#!1|0$5+7%2" * 20, [])
    assert time.process_time() - began < 4


async def test_breached_password_is_refused_by_five_digits_of_its_digest() -> None:
    digest = hashlib.sha1(BREACHED.encode(), usedforsecurity=False).hexdigest().upper()
    asked: list[str] = []

    async def answer(request: ReceivedRequest) -> Reply:
        asked.append(request.path)
        return Reply(body=f"{'0' * 35}:0\r\n{digest[5:]}:17\r\n".encode())

    async with http_server(answer) as server:
        rules = PasswordRules(BreachedPasswords(f"{server.url}/range/"), max_pending=4)
        with pytest.raises(Invalid, match="data breach"):
            await rules.require_strong("new", BREACHED, [])
        await rules.require_strong("new", UNKNOWN, [])
        rules.close()
    assert asked[0] == f"/range/{digest[:5]}"
    assert all(len(path) == len("/range/12345") for path in asked)


async def test_breach_service_that_fails_refuses_nobody() -> None:
    asked: list[str] = []

    async def fail(request: ReceivedRequest) -> Reply:
        asked.append(request.path)
        return Reply(status=500)

    async with http_server(fail) as server:
        rules = PasswordRules(BreachedPasswords(server.url), max_pending=4)
        await rules.require_strong("new", BREACHED, [])
        rules.close()
    assert asked
