"""Replace all processes by SIGHUP under load, with uploads, downloads and live clients; `make roll` has more."""

from pathlib import Path
from typing import Final

from grome.realtime.close_codes import CloseCode
from tests.proofs.proof import Proof, Result, Tell, open_world
from tests.rolling.long_requests import DOWNLOADS, SOCKETS, STREAMS, UPLOADS, LongRequests
from tests.rolling.run import roll_by_signal

_TIMES: Final = 3
_REQUESTS: Final = 20_000
_CLIENTS: Final = 4


async def _prove(home: Path, tell: Tell) -> Result:
    beside = LongRequests()
    async with open_world(home) as world:
        load = await roll_by_signal(world.settings, home, _TIMES, _REQUESTS, _CLIENTS, beside)
    for reason in [*load.failed, *beside.failed][:20]:
        tell(reason)
    result = Result()
    result.hold(
        f"{load.requests:,} requests, {len(load.failed)} failed", holds=load.requests >= _REQUESTS and not load.failed
    )
    result.add_long_requests(beside)
    moved = {kind: beside.ended(kind)[CloseCode.DRAIN] for kind in (SOCKETS, STREAMS)}
    told = ", ".join(f"{times} times {kind}" for kind, times in moved.items())
    result.hold(f"told to reconnect: {told}", holds=all(moved.values()))
    return result


PROOF: Final = Proof(
    "rolling-restart",
    f"{_TIMES} rolling restarts: 0 of {_REQUESTS:,} requests fail; a {UPLOADS} and a {DOWNLOADS} under way finish; "
    "live clients are told to reconnect, and lose no event",
    _prove,
)
