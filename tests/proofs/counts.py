"""Compare `/metrics` with the responses of a load while API workers are killed; `make counts` runs it for longer."""

from pathlib import Path
from typing import Final

from tests.proofs.proof import Proof, Result, Tell, open_world
from tests.rolling.count_kills import prove

_SECONDS: Final = 25
_KILLS: Final = 3
_CLIENTS: Final = 8


async def _prove(home: Path, tell: Tell) -> Result:
    async with open_world(home) as world:
        outcome = await prove(world.settings, home, _SECONDS, _KILLS, _CLIENTS)
    for line in outcome.lines:
        tell(line)
    result = Result()
    result.hold(f"{outcome.died} of {_KILLS} workers killed", holds=outcome.died == _KILLS)
    result.hold(
        f"{outcome.responses:,} responses, {outcome.broken} broken requests, {len(outcome.differing)} counts differ",
        holds=not outcome.differing,
    )
    return result


PROOF: Final = Proof(
    "counts", f"{_KILLS} kills of API workers under load: `/metrics` counts each response, and nothing else", _prove
)
