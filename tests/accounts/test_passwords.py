"""Password hashes: their cost, and that they do not block the event loop."""

import asyncio
import time
from collections.abc import Awaitable, Iterator

import pytest

from config.loading import load_settings
from grome.accounts.passwords import PasswordHasher, Peppers, open_hasher


@pytest.fixture
def passwords() -> Iterator[PasswordHasher]:
    """Return a hasher with the default number of rounds."""
    made = open_hasher(load_settings({"GROME_ENV": "development"}))
    yield made
    made.close()


async def timed(work: Awaitable[object]) -> float:
    began = time.perf_counter()
    await work
    return time.perf_counter() - began


async def longest_wait_of_the_loop(work: Awaitable[object]) -> float:
    """Return the longest wait of other tasks during `work`, as a share of its duration."""
    running = asyncio.ensure_future(timed(work))
    longest, last = 0.0, time.perf_counter()
    while not running.done():
        await asyncio.sleep(0.001)
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
    return longest / await running


async def test_hashing_with_twelve_rounds_does_not_block_the_event_loop(passwords: PasswordHasher) -> None:
    hashed = await passwords.hash("correct horse")
    assert hashed.startswith("$g1$0$2b$12$")
    # On the loop, each hash would block it for its whole duration; a busy machine delays one attempt, but not all.
    waits = [
        await longest_wait_of_the_loop(work)
        for _ in range(2)
        for work in (passwords.hash("correct horse"), passwords.matches("correct horse", hashed))
    ]
    assert min(waits[::2]) < 0.5
    assert min(waits[1::2]) < 0.5


async def cpu_seconds(work: Awaitable[object]) -> float:
    """The test measures the CPU time of this process, which other processes do not change."""
    began = time.process_time()
    await work
    return time.process_time() - began


async def test_check_of_an_unknown_account_costs_as_much_as_a_wrong_password(passwords: PasswordHasher) -> None:
    hashed = await passwords.hash("correct horse")
    wrong = min([await cpu_seconds(passwords.matches("wrong horse", hashed)) for _ in range(2)])
    unknown = min([await cpu_seconds(passwords.find_match("wrong horse", [None])) for _ in range(2)])
    assert unknown > wrong / 2


async def test_no_password_matches_without_an_account() -> None:
    passwords = PasswordHasher(4, Peppers({}), threads=1, max_pending=1)
    assert await passwords.find_match("nobody", [None]) is None
    passwords.close()
