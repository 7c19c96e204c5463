"""The watchdog of `grome serve`, beside a process manager that notes its messages."""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sanic.worker.constants import ProcessState

from grome.cli.serving import Watchdog
from tests.support.eventually import until


def dead(name: str, pid: int) -> SimpleNamespace:
    return SimpleNamespace(name=name, pid=pid, state=ProcessState.ACKED, exitcode=-9, is_alive=lambda: False)


class Manager(SimpleNamespace):
    """Has dead processes only, and notes the messages to the main thread."""

    def __init__(self, *processes: SimpleNamespace) -> None:
        self.sent: list[str] = []
        super().__init__(
            processes=processes,
            monitor_publisher=SimpleNamespace(send=self.sent.append),
            _all_workers_ack=lambda: True,
        )


@contextmanager
def running(manager: Manager) -> Iterator[Watchdog]:
    watchdog = Watchdog(cast("Any", manager), "", stop_seconds=0.0)
    thread = threading.Thread(target=watchdog.run, daemon=True)
    thread.start()
    try:
        yield watchdog
    finally:
        watchdog.ask_to_stop()
        thread.join()


async def test_process_that_died_with_the_id_of_an_earlier_one_is_started_again() -> None:
    manager = Manager(dead("Server-0", 4242), dead("Server-1", 4242))
    with running(manager):
        await until(lambda: len(manager.sent) == 2)
    assert manager.sent == ["Server-0", "Server-1", "__TERMINATE__"]


async def test_process_that_died_during_the_migration_of_a_reload_is_started_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    codes: list[int] = []  # of the migration, as soon as it has ended
    migrating = SimpleNamespace(
        poll=lambda: codes[0] if codes else None, returncode=2, terminate=lambda: codes.append(2), wait=lambda: 2
    )
    monkeypatch.setattr(subprocess, "Popen", lambda _command: migrating)
    manager = Manager()
    with running(manager) as watchdog:
        watchdog.ask_to_reload()
        manager.processes = [dead("Server-0", 4242)]
        await until(lambda: bool(manager.sent))
        assert manager.sent == ["Server-0"]
