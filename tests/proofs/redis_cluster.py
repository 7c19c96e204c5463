"""Kill two primaries of a Redis Cluster under load; `make cluster` has the details."""

from pathlib import Path
from typing import Final

from tests.chaos.cluster_failover import fail_over
from tests.proofs.proof import Proof, Result, Tell

_ANSWERS: Final = {"booking": {201}, "search": {200}, "own profile": {200}, "sign-in": {200, 401, 429}}


async def _prove(home: Path, tell: Tell) -> Result:
    tell("six nodes, and a Valkey for the job queues")
    outcome = await fail_over(home, freezes=False)
    result = Result()
    for name, statuses in sorted(outcome.statuses.items()):
        failed = sum(number for status, number in statuses.items() if status not in _ANSWERS[name])
        result.hold(f"{statuses.total():,} times {name}, {failed} failed", holds=not failed)
    result.hold(f"{outcome.lost_events} bookings unknown to a live client", holds=not outcome.lost_events)
    result.hold(f"{outcome.undone_jobs} jobs not done", holds=not outcome.undone_jobs)
    result.figures.append(f"all slots writable after {max(kill.writable_s for kill in outcome.kills):.1f} s")
    result.figures.append(f"latest live event after {outcome.latest_event_s:.1f} s")
    return result


PROOF: Final = Proof(
    "redis-cluster",
    "2 kills of a primary of a Redis Cluster of six under load: no request fails, and no live event or job is lost",
    _prove,
)
