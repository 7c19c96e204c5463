"""Kill job workers ten times while more than 1,000 webhooks are sent, and count them at their receiver."""

import asyncio
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from grome.composition import open_container
from grome.infrastructure.jobs.models import State
from tests.chaos.run import JOB_WORKERS, Storm, storm
from tests.proofs.proof import Proof, Result, Tell
from tests.support.eventually import START_PATIENCE_S, until
from tests.support.killing import kill_worker

_KILLS: Final = 10
_WEBHOOKS: Final = 1_000
_PAUSE_S: Final = 2.0
_CHANGES_A_SECOND: Final = 25
_RECOVERED_WITHIN_S: Final = 15.0
# A receiver that takes so long has jobs under way at each kill. Grome sends it ten webhooks at a time.
_RECEIVER_PAUSE_S: Final = 0.05
_SENT_WITHIN_S: Final = 180


@dataclass
class _Kills:
    """The time of the last kill during each job, and the seconds from there to its end."""

    tell: Tell
    killed_at: dict[str, datetime] = field(default_factory=dict)
    recovered_s: list[float] = field(default_factory=list)

    async def harm(self, run: Storm) -> None:
        container = await open_container(run.settings)
        try:
            jobs = container.database["jobs"]
            for number in range(1, _KILLS + 1):
                await asyncio.sleep(_PAUSE_S)
                await until(partial(_all_run, run, number - 1), within_s=START_PATIENCE_S)
                held = await jobs.distinct("_id", {"state": State.PENDING.value, "claim": {"$ne": None}})
                await asyncio.to_thread(kill_worker, run.grome, "Jobs", random.Random(number))  # noqa: S311 -- dice
                run.killed["job worker"] += 1
                self.killed_at |= dict.fromkeys(held, datetime.now(UTC))
                self.tell(f"kill {number} with {len(held)} jobs under way, after {run.changes} changes")
            await until(lambda: run.changes >= _WEBHOOKS, within_s=_SENT_WITHIN_S)
            run.ended = True
            await until(lambda: self._have_ended(jobs), within_s=_SENT_WITHIN_S)
            found = [job async for job in jobs.find({"_id": {"$in": list(self.killed_at)}}, {"ended_at": 1})]
            self.recovered_s = [(job["ended_at"] - self.killed_at[job["_id"]]).total_seconds() for job in found]
        finally:
            await container.close()

    async def _have_ended(self, jobs: Any) -> bool:
        left = {"_id": {"$in": list(self.killed_at)}, "state": State.PENDING.value}
        return not await jobs.count_documents(left)


def _all_run(run: Storm, killed: int) -> bool:
    """Return whether each killed job worker was replaced: a kill of a worker that just starts would cost nothing."""
    return run.grome.log.read_text().count("starts as job worker") == JOB_WORKERS + killed


async def _prove(home: Path, tell: Tell) -> Result:
    kills = _Kills(tell)
    outcome = await storm(
        home, 0, seed=1, changes_a_second=_CHANGES_A_SECOND, harm=kills.harm, receiver_pause_s=_RECEIVER_PAUSE_S
    )
    longest = max(kills.recovered_s, default=0.0)
    result = Result()
    result.hold(
        f"{len(kills.recovered_s)} jobs under way at a kill, all done within {longest:.1f} s",
        holds=0 < longest <= _RECOVERED_WITHIN_S,
    )
    result.add_counts(outcome)
    result.figures.append(f"{outcome.redelivered} webhooks sent again under their id")
    return result


PROOF: Final = Proof(
    "job-workers",
    f"{_KILLS} kills of a job worker while over {_WEBHOOKS:,} webhooks are sent: each effect once by its id, a killed "
    f"worker's jobs done within {_RECOVERED_WITHIN_S:.0f} s",
    _prove,
)
