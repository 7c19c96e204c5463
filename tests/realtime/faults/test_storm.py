"""A short storm, as `python -m tests.realtime.run` runs it for minutes."""

from pathlib import Path

import msgspec
from rich.console import Console

from config.settings import Settings
from tests.realtime.faults.storm import Plan, storm
from tests.support.app import with_database
from tests.support.servers import own_valkey

_PLAN = Plan(seconds=6, seed=14, pairs=3, node=1, fault_pause_s=0.25, kill_pause_s=1.0, write_pause_s=0.15)


async def test_live_clients_among_faults_end_with_the_state_of_the_server(settings: Settings, tmp_path: Path) -> None:
    with own_valkey(tmp_path) as redis:
        separate = with_database(settings, "live_storm")
        separate = msgspec.structs.replace(separate, redis=msgspec.structs.replace(separate.redis, url=redis.url))
        outcome = await storm(separate, tmp_path, redis, _PLAN)
    Console().print(outcome.table())
    assert outcome.errors == []
    assert outcome.figures["recovered"]
