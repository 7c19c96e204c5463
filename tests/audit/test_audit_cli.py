"""`grome audit verify`, as typed, on the test's own servers."""

import asyncio
from pathlib import Path

from config.settings import Settings
from grome.infrastructure.container import Container
from tests.builders.audit import record_events
from tests.support.commands import run_command
from tests.support.processes import environment


async def test_audit_verify_exits_with_1_and_names_the_first_broken_record(
    settings: Settings, empty_trail: Container, tmp_path: Path
) -> None:
    await record_events(empty_trail, 5)
    await empty_trail.database.audit.update_many({"seq": {"$in": [2, 4]}}, {"$set": {"version": 9}})
    env = environment(settings, tmp_path, COLUMNS="200", GROME_LOG_LEVEL="WARNING")
    ended = await asyncio.to_thread(run_command, "audit", "verify", env=env)
    lines = [line for line in ended.stdout.splitlines() if not line.startswith("Records verified")]
    assert (ended.returncode, lines[0]) == (1, "edited: record 2 has changed since it was written")
    assert lines[-1].startswith(
        "5 records, 5 of them after the last signed head, and 0 from before the chain: 2 flaws."
    )
    assert "5/5" in ended.stdout
