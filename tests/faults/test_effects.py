"""Each effect of a change happens once, even if processes and servers are killed.

`make storm` runs the same for a minute.
"""

from pathlib import Path

from tests.chaos.run import storm


async def test_effects_with_killed_processes_and_servers_happen_exactly_once(tmp_path: Path) -> None:
    outcome = await storm(tmp_path, seconds=4, seed=1)
    assert [count for count in outcome.counts if not count.is_right] == []
    assert len(outcome.killed) == 5
    assert outcome.bookings > 10
