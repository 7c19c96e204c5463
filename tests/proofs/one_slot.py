"""Let 200 customers want the same slot at once, again and again, through two API workers."""

from collections import Counter
from pathlib import Path
from typing import Final

from tests.builders.barbers import barber
from tests.builders.people import register
from tests.proofs.proof import Proof, Result, Tell, open_world
from tests.support.contention import BookingAttempt, create_concurrently, stored_bookings
from tests.support.http_client import http_client
from tests.support.processes import running_grome_beside

_ROUNDS: Final = 50
_CALLS: Final = 200
_CUSTOMERS: Final = 50
_VISIT_MIN: Final = 15


async def _prove(home: Path, tell: Tell) -> Result:
    answers, winners = Counter[int](), Counter[int]()
    async with (
        open_world(home) as world,
        running_grome_beside(world.settings, home, GROME_JOBS_WORKERS="0") as grome,
        http_client(grome.url) as http,
    ):
        shop = await barber(http, world.container, durations=(_VISIT_MIN,), timezone="UTC")
        crowd = [await register(http) for _ in range(_CUSTOMERS)]
        for number in range(_ROUNDS):
            wanted = [BookingAttempt(number * _VISIT_MIN, _VISIT_MIN)] * _CALLS
            told = await create_concurrently(grome.url, shop, crowd, wanted, key=f"round-{number}")
            answers.update(one.status for one in told)
            winners[sum(one.status == 201 for one in told)] += 1
            if number % 10 == 9:
                tell(f"{number + 1} rounds")
        stored = len(await stored_bookings(http, shop))
    result = Result()
    result.hold(f"one 201 in {winners[1]} of {_ROUNDS} rounds", holds=winners == {1: _ROUNDS})
    result.hold(f"{stored} bookings stored", holds=stored == _ROUNDS)
    told = ", ".join(f"{count:,} times {status}" for status, count in sorted(answers.items()))
    result.hold(told, holds=set(answers) <= {201, 409})
    return result


PROOF: Final = Proof(
    "one-slot",
    f"{_CALLS} concurrent bookings of one slot, {_ROUNDS} rounds, two API workers: one 201 each, no 5xx",
    _prove,
)
