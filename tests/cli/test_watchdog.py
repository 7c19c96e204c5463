"""The watchdog of `grome serve`, beside a process manager that notes its messages."""

import threading
from types import SimpleNamespace
from typing import Any, cast

from sanic.worker.constants import ProcessState

from grome.cli.serving import Watchdog
from tests.support.eventually import until


def dead(name: str, pid: int) -> SimpleNamespace:
    return SimpleNamespace(name=name, pid=pid, state=ProcessState.ACKED, exitcode=-9, is_alive=lambda: False)


async def test_process_that_died_with_the_id_of_an_earlier_one_is_started_again() -> None:
    sent: list[str] = []
    manager = SimpleNamespace(
        processes=[dead("Server-0", 4242), dead("Server-1", 4242)],
        monitor_publisher=SimpleNamespace(send=sent.append),
        _all_workers_ack=lambda: True,
    )
    watchdog = Watchdog(cast("Any", manager), "", stop_seconds=0.0)
    thread = threading.Thread(target=watchdog.run, daemon=True)
    thread.start()
    try:
        await until(lambda: len(sent) == 2)
    finally:
        watchdog.ask_to_stop()
        await until(lambda: not thread.is_alive())
    assert sent == ["Server-0", "Server-1", "__TERMINATE__"]
