"""Known and unknown accounts cannot be told apart by answers, by time, or by the work that a request causes."""

import itertools
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import httpx
import pytest

from grome.accounts.passwords import PasswordHasher, Peppers
from grome.infrastructure.container import Container
from tests.builders.people import PASSWORD, new_email, new_phone, register

Ask = Callable[[httpx.AsyncClient, str], Awaitable[httpx.Response]]
_PAIRS: Final = 30
# A request takes some milliseconds here, and one command of the database about a tenth of that.
_BOUND: Final = 0.25
# Collections that tell accounts apart; others are of no account, such as the leases of processes.
_COLLECTIONS: Final = ("users", "sessions", "codes", "budgets")


async def log_in(http: httpx.AsyncClient, email: str) -> httpx.Response:
    return await http.post("/v1/auth/login", json={"email": email, "password": "not the password"})


async def open_account(http: httpx.AsyncClient, email: str) -> httpx.Response:
    return await http.post("/v1/auth/register", json={"email": email, "password": PASSWORD, "name": "A person"})


async def forget(http: httpx.AsyncClient, email: str) -> httpx.Response:
    return await http.post("/v1/auth/password/forgot", json={"email": email})


async def reset(http: httpx.AsyncClient, email: str) -> httpx.Response:
    body = {"email": email, "code": "00000000", "password": PASSWORD}
    return await http.post("/v1/auth/password/reset", json=body)


async def ask_for_code(http: httpx.AsyncClient, phone: str) -> httpx.Response:
    return await http.post("/v1/auth/code", json={"phone": phone})


async def known_address(http: httpx.AsyncClient, ask: Ask) -> str:
    if ask is not ask_for_code:
        return (await register(http)).email
    phone = new_phone()
    await register(http, email=None, phone=phone)
    return phone


def unknown_address(ask: Ask) -> str:
    return new_phone() if ask is ask_for_code else new_email()


EVERY_WAY: Final = pytest.mark.parametrize("ask", [log_in, open_account, forget, reset, ask_for_code])


@EVERY_WAY
async def test_answer_for_a_known_address_has_the_status_fields_and_headers_of_an_unknown_address(
    http: httpx.AsyncClient, ask: Ask
) -> None:
    answers = [await ask(http, await known_address(http, ask)), await ask(http, unknown_address(ask))]
    seen = [
        (answer.status_code, _shape(answer.json() if answer.content else None), sorted(answer.headers))
        for answer in answers
    ]
    assert seen[0] == seen[1]


@EVERY_WAY
async def test_known_address_causes_the_same_commands_as_an_unknown_address(
    http: httpx.AsyncClient, container: Container, ask: Ask
) -> None:
    known, unknown = await known_address(http, ask), unknown_address(ask)
    of_known = await _commands(container, ask(http, known))
    of_unknown = await _commands(container, ask(http, unknown))
    assert of_known == of_unknown
    assert of_known


@pytest.mark.alone
@EVERY_WAY
async def test_time_for_known_addresses_is_within_a_quarter_of_the_time_for_unknown_addresses(
    http: httpx.AsyncClient, ask: Ask
) -> None:
    """The medians of interleaved pairs: load of the machine hits both sides alike."""
    known = [await known_address(http, ask) for _ in range(_PAIRS)]
    spent: dict[bool, list[float]] = {True: [], False: []}
    for number, address in enumerate(known):
        pair = [(True, address), (False, unknown_address(ask))]
        for is_known, asked in pair if number % 2 else reversed(pair):  # the first of a pair may find colder caches
            began = time.perf_counter()
            await ask(http, asked)
            spent[is_known].append(time.perf_counter() - began)
    ratio = statistics.median(spent[True]) / statistics.median(spent[False])
    assert 1 - _BOUND < ratio < 1 + _BOUND, spent


@pytest.mark.alone
async def test_failed_check_costs_the_same_cpu_time_whichever_accounts_exist() -> None:
    hasher = PasswordHasher(7, Peppers({}), threads=1, max_pending=4)
    hashed = await hasher.hash(PASSWORD)
    spent: dict[tuple[bool, bool], list[float]] = {}
    for owner, claimant in itertools.chain.from_iterable([itertools.product((True, False), repeat=2)] * 9):
        began = time.process_time()
        hashes = [hashed if owner else None, hashed if claimant else None]
        assert await hasher.find_match("not the password", hashes) is None
        spent.setdefault((owner, claimant), []).append(time.process_time() - began)
    medians = [statistics.median(times) for times in spent.values()]
    assert max(medians) < (1 + _BOUND) * min(medians), spent
    hasher.close()


def _shape(value: Any) -> Any:
    """Return the names and types of all fields, and the texts of an error."""
    if isinstance(value, dict):
        return {
            name: item if name in {"code", "title", "detail", "status"} else _shape(item)
            for name, item in value.items()
        }
    return type(value).__name__


async def _commands(container: Container, asking: Awaitable[httpx.Response]) -> list[tuple[str, str]]:
    """Return operations and collections of a request, in the order of the database's own profile."""
    database = container.database
    await database.command("profile", 0)
    await database["system.profile"].drop()
    await database.command("profile", 2)
    try:
        await asking
    finally:
        await database.command("profile", 0)
    found = database["system.profile"].find({"ns": {"$in": [f"{database.name}.{name}" for name in _COLLECTIONS]}})
    return [(entry["op"], entry["ns"].partition(".")[2]) async for entry in found.sort("$natural", 1)]
