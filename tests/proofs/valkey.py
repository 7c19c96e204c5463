"""Kill Valkey and leave it away for ten seconds while bookings change, then count each effect at its receiver."""

import asyncio
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from tests.chaos.run import Storm, storm
from tests.proofs.proof import Proof, Result, Tell

_AWAY_S: Final = 10.0
_BEFORE_S: Final = 5.0
_MAX_CPU: Final = 0.10  # of a core, for a job worker
_DRAINED_WITHIN_S: Final = 30.0
_CHANGES_A_SECOND: Final = 10


@dataclass
class _Outage:
    """The figures of the time without Valkey."""

    tell: Tell
    cpu: float = 0.0
    changes: int = 0
    refused: int = 0

    async def harm(self, run: Storm) -> None:
        await asyncio.sleep(_BEFORE_S)
        run.redis.kill()
        run.killed["Valkey"] += 1
        self.tell("Valkey is away")
        workers = run.grome.workers("Jobs")
        changes, refused = run.changes, run.refused.total()
        began, before = time.monotonic(), [_cpu_s(worker) for worker in workers]
        await asyncio.sleep(_AWAY_S)
        spent = [_cpu_s(worker) - used for worker, used in zip(workers, before, strict=True)]
        self.cpu = max(spent) / (time.monotonic() - began)
        self.changes, self.refused = run.changes - changes, run.refused.total() - refused
        await asyncio.to_thread(run.redis.start)
        self.tell("Valkey is back")


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return times.user + times.system


async def _prove(home: Path, tell: Tell) -> Result:
    outage = _Outage(tell)
    outcome = await storm(home, 0, seed=1, changes_a_second=_CHANGES_A_SECOND, harm=outage.harm)
    result = Result()
    result.hold(f"{outage.changes} changes meanwhile, {outage.refused} refused", holds=outage.changes > 0)
    result.hold(f"the busier job worker used {outage.cpu:.0%} of a core", holds=outage.cpu < _MAX_CPU)
    result.hold(f"drained after {outcome.drained_s:.0f} s", holds=outcome.drained_s <= _DRAINED_WITHIN_S)
    result.add_counts(outcome)
    return result


PROOF: Final = Proof(
    "valkey",
    f"Valkey killed and away for {_AWAY_S:.0f} s: bookings go on, job workers use under {_MAX_CPU:.0%} of a core, all "
    f"effects exist once within {_DRAINED_WITHIN_S:.0f} s after its return",
    _prove,
)
