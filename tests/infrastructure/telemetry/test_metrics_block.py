"""The memory that the processes of one Grome share for their metrics."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from grome.infrastructure.telemetry import registry
from grome.infrastructure.telemetry.block import Block, shared_block
from grome.infrastructure.telemetry.catalogue import LOOP_LAG
from grome.infrastructure.telemetry.exposition import ProcessMetrics
from grome.infrastructure.telemetry.registry import METRICS, Counter, Gauge, Histogram

# A worker in a process of its own: it counts, and is killed.
_WORKER = """
import os, signal, sys
from pathlib import Path
from grome.infrastructure.telemetry.catalogue import LOOP_LAG, POOL_CONNECTIONS, REFUSALS
from grome.infrastructure.telemetry.registry import attach
attach(Path(sys.argv[1]), sys.argv[2])
for _ in range(1_000):
    REFUSALS.add("slot_taken")
POOL_CONNECTIONS.add("mongodb", by=3)
LOOP_LAG.observe(0.03)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def block() -> Iterator[Path]:
    with shared_block(2) as path:
        yield path


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch, block: Path) -> Block:
    """Read the metrics of the block in this process, which counts in its own memory."""
    opened = Block(block)
    monkeypatch.setattr(registry.MEMORY, "block", opened)
    return opened


def killed_worker(block: Path, name: str) -> None:
    ended = subprocess.run([sys.executable, "-c", _WORKER, str(block), name], check=False)
    assert ended.returncode == -9


def samples() -> dict[tuple[str, ...], float]:
    found = (sample for family in ProcessMetrics().collect() for sample in family.samples)
    return {(sample.name, *sample.labels.values()): sample.value for sample in found}


def test_killed_worker_and_its_successor_count_on_in_one_slot(block: Path, memory: Block) -> None:
    killed_worker(block, "Server-0")
    assert samples()["grome_http_refusals_total", "slot_taken"] == 1_000
    killed_worker(block, "Server-0")
    killed_worker(block, "Jobs-0")
    assert samples()["grome_http_refusals_total", "slot_taken"] == 3_000
    assert [slot.name for slot in memory.slots] == ["Server-0", "Jobs-0", "", ""]


def test_gauges_of_dead_process_are_left_out(block: Path, memory: Block) -> None:
    killed_worker(block, "Server-0")
    assert memory.slots[0].pid
    names = {name for name, *_ in samples()}
    assert "grome_http_refusals_total" in names
    assert not names & {"grome_pool_connections", "grome_process_start_time_seconds"}


def test_successor_starts_its_gauges_at_zero(block: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    killed_worker(block, "Server-0")
    monkeypatch.setattr(registry.MEMORY, "slot", registry.MEMORY.slot)
    monkeypatch.setattr(registry.MEMORY, "block", None)
    for metric in METRICS.values():
        monkeypatch.setattr(metric, "_firsts", {})
    registry.attach(block, "Server-0")
    found = samples()
    assert found["grome_pool_connections", "mongodb"] == 0
    assert found["grome_http_refusals_total", "slot_taken"] == 1_000
    assert found["grome_event_loop_lag_seconds_bucket", "Server-0", "0.025"] == 0
    assert found["grome_event_loop_lag_seconds_bucket", "Server-0", "0.05"] == 1
    assert found["grome_event_loop_lag_seconds_sum", "Server-0"] == pytest.approx(0.03)
    assert found["grome_process_resident_bytes", "Server-0"] > 1e6


def test_process_beside_its_predecessor_gets_another_slot(block: Path) -> None:
    first, second = Block(block).claim("Server-0"), Block(block).claim("Server-0")
    assert first
    assert second
    first.cells[0] += 1
    assert second.cells[0] == 0


def test_process_without_a_free_slot_counts_in_its_own_memory(block: Path) -> None:
    opened = Block(block)
    assert all(opened.claim(f"Server-{number}") for number in range(4))
    assert opened.claim("Server-4") is None
    slot = registry.MEMORY.slot
    registry.attach(block, "Server-4")
    assert registry.MEMORY.slot is slot


def test_metric_with_other_buckets_begins_anew_beside_the_series_of_the_previous_release(
    block: Path, memory: Block, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed_worker(block, "Server-0")
    with monkeypatch.context() as changed:
        changed.setitem(METRICS, LOOP_LAG.name, LOOP_LAG)
        released = Histogram(LOOP_LAG.name, "Other buckets", buckets=(0.5,), per_worker=True)
        slot = memory.slots[0]
        slot.cells[slot.open((released.key,), released.width)] = 7
        found = samples()
    assert found["grome_event_loop_lag_seconds_bucket", "Server-0", "+Inf"] == 7
    assert ("grome_event_loop_lag_seconds_bucket", "Server-0", "0.05") not in found
    assert found["grome_http_refusals_total", "slot_taken"] == 1_000
    assert samples()["grome_event_loop_lag_seconds_bucket", "Server-0", "0.05"] == 1


def test_block_in_the_format_of_another_release_is_left_alone(block: Path) -> None:
    with block.open("r+b") as file:
        file.write(bytes(8))
    slot = registry.MEMORY.slot
    registry.attach(block, "Server-0")
    assert registry.MEMORY.slot is slot
    assert registry.MEMORY.block is None


def test_series_beyond_the_maximum_are_not_shown(block: Path) -> None:
    slot = Block(block).slots[0]
    for number in range(5_000):
        slot.cells[slot.open(("metric", str(number)), 1)] += 1
    slot.cells[slot.open(("metric", "x" * 200), 1)] += 1
    found = list(slot.series())
    assert len(found) == 4_096
    assert {slot.cells[first] for _, first in found} == {1}


def test_blocks_of_killed_main_processes_are_removed(block: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    left = block.with_name(f"grome-telemetry-{int(ended.stdout)}-left")
    left.touch()
    with shared_block(1) as other:
        assert not left.exists()
        assert block.exists()
        assert other.stat().st_mode & 0o077 == 0
    assert not other.exists()


def test_metrics_have_names_of_prometheus() -> None:
    for name, metric in METRICS.items():
        assert isinstance(metric, Counter | Gauge | Histogram)
        assert name.startswith("grome_")
        assert name.endswith("_total") == isinstance(metric, Counter), name
        assert name.endswith("_seconds") == isinstance(metric, Histogram), name
