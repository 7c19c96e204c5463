"""Kill the primary of MongoDB ten times under 16 writers; `make primaries` has the details."""

from pathlib import Path
from typing import Final

from tests.chaos.primary_kills import MAX_GAP_S, kill_primaries
from tests.proofs.proof import Proof, Result, Tell

_KILLS: Final = 10


async def _prove(home: Path, tell: Tell) -> Result:
    outcome = await kill_primaries(home, _KILLS, tell)
    result, gaps = Result(), sorted(outcome.gaps)
    result.hold(f"{outcome.acknowledged:,} acknowledged, {outcome.lost} lost", holds=outcome.lost == 0)
    result.hold(f"{outcome.doubled} stored twice", holds=outcome.doubled == 0)
    result.hold(f"gap {gaps[len(gaps) // 2]:.1f} s (median), {gaps[-1]:.1f} s (longest)", holds=gaps[-1] <= MAX_GAP_S)
    return result


PROOF: Final = Proof(
    "primaries",
    f"{_KILLS} kills of the primary under 16 writers: each acknowledged booking is readable, once; no gap over "
    f"{MAX_GAP_S:.0f} s",
    _prove,
)
