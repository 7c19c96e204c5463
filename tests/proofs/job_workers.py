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
from grome.webhooks.models import WEBHOOK
from tests.chaos.run import JOB_WORKERS, Storm, storm
from tests.proofs.proof import Proof, Result, Tell
from tests.support.eventually import START_PATIENCE_S, until
from tests.support.killing import kill_worker

_KILLS: Final = 10
_WEBHOOKS: Final = 1_000
_PAUSE_S: Final = 2.0
_CHANGES_A_SECOND: Final = 25
_RECOVERED_WITHIN_S: Final = 15.0
# A receiver that takes so long has jobs under way at each kill.
_RECEIVER_PAUSE_S: Final = 0.05
_SENT_WITHIN_S: Final = 180


@dataclass
class _Kills:
    """The time of the last kill during each job, and the seconds from there to its end.

    Webhooks are counted apart: all go to one receiver, which gets ten at a time, so most wait for their turn.
    """

    tell: Tell
    killed_at: dict[str, datetime] = field(default_factory=dict)
    recovered_s: list[float] = field(default_factory=list)
    webhooks_recovered_s: list[float] = field(default_factory=list)

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
            async for job in jobs.find({"_id": {"$in": list(self.killed_at)}}, {"ended_at": 1, "kind": 1}):
                recovered_s = self.webhooks_recovered_s if job["kind"] == WEBHOOK.name else self.recovered_s
                recovered_s.append((job["ended_at"] - self.killed_at[job["_id"]]).total_seconds())
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
        f"{len(kills.recovered_s)} jobs under way at a kill, without webhooks, all done within {longest:.1f} s",
        holds=0 < longest <= _RECOVERED_WITHIN_S,
    )
    result.figures.append(
        f"{len(kills.webhooks_recovered_s)} webhooks to one receiver, ten at a time: within "
        f"{max(kills.webhooks_recovered_s, default=0.0):.1f} s"
    )
    result.add_counts(outcome)
    result.figures.append(f"{outcome.redelivered} webhooks sent again under their id")
    return result


PROOF: Final = Proof(
    "job-workers",
    f"{_KILLS} kills of a job worker while over {_WEBHOOKS:,} webhooks are sent: each effect once by its id, a killed "
    f"worker's jobs other than webhooks done within {_RECOVERED_WITHIN_S:.0f} s",
    _prove,
)
