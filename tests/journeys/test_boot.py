"""Test `grome run`: its output, its shutdown, and its messages when it cannot start."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from tests.support.eventually import PATIENCE_S, START_PATIENCE_S, overload
from tests.support.processes import free_port, survivors, warnings_in, without_settings

ENDS_WITHIN_S = 5
SHOWN = 100  # of 150 in Berlin, on one page
READY = "Ctrl-C ends everything."


def start(home: Path, port: int, **changed: str) -> subprocess.Popen[bytes]:
    env = {"GROME_ENV": "test", "GROME_HOME": str(home), "GROME_HTTP_PORT": str(port), **changed}
    home.mkdir(exist_ok=True)
    with (home / "out").open("ab") as out, (home / "err").open("ab") as err:
        # In a new session, so that its process group can be signalled as a terminal does on Ctrl-C.
        command = [sys.executable, "-m", "grome", "run"]
        return subprocess.Popen(
            command, env={**without_settings(os.environ), **env}, stdout=out, stderr=err, start_new_session=True
        )


def refused(home: Path, port: int, **changed: str) -> list[str]:
    """Return the messages of a start that fails."""
    before = len((home / "err").read_text()) if (home / "err").exists() else 0
    assert start(home, port, **changed).wait(timeout=START_PATIENCE_S) == 2
    return (home / "err").read_text()[before:].splitlines()


@contextmanager
def started(home: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Start `grome run`, and kill it if the test has not ended it."""
    process = start(home, port)
    try:
        yield process
    finally:
        for left in [*family(process.pid), process]:
            left.kill()
        process.wait()


@contextmanager
def running(home: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Start `grome run` and wait until it is ready."""
    with started(home, port) as process:
        banners = (home / "out").read_text().count(READY)
        deadline = time.monotonic() + START_PATIENCE_S
        while (home / "out").read_text().count(READY) == banners:
            assert process.poll() is None, (home / "err").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield process


def family(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def barbers_in_berlin(port: int) -> int:
    query = {"lat": 52.52, "lng": 13.40, "radius_km": 50, "limit": 100}
    return len(
        httpx.get(f"http://127.0.0.1:{port}/v1/barbers/nearby", params=query, timeout=PATIENCE_S).json()["items"]
    )


def test_run_becomes_ready_locks_its_data_and_goes_on_with_them_after_a_kill(tmp_path: Path) -> None:
    """One test, because a start with demo data costs eight seconds of CPU time."""
    home, port = tmp_path / "home", free_port()
    with running(home, port) as grome:
        said = (home / "out").read_text()
        for address in ("/v1", "/docs", "/jobs/", "/pay-demo"):
            assert f"http://127.0.0.1:{port}{address}" in said
        assert "admin@demo.grome.example" in said
        assert_ready(port)
        assert warnings_in(home / "err") == []

        (sentence,) = refused(home, free_port())
        assert str(home) in sentence
        assert str(grome.pid) in sentence

        orphans = family(grome.pid)
        assert_complete(orphans)
        os.kill(grome.pid, signal.SIGKILL)
        grome.wait()
        assert any(process.is_running() for process in orphans)
        with running(home, port) as again:
            assert survivors(orphans, within_s=PATIENCE_S) == []
            assert_ready(port)  # the data were kept, and are not added again
            assert "nothing added" in (home / "out").read_text()

            relatives = family(again.pid)
            assert_complete(relatives)
            before = len(warnings_in(home / "err"))  # of processes of the killed run
            interrupted = time.monotonic()
            os.killpg(again.pid, signal.SIGINT)
            assert again.wait(timeout=START_PATIENCE_S) == 0
            assert time.monotonic() - interrupted < ENDS_WITHIN_S * overload()
            assert survivors(relatives, within_s=PATIENCE_S) == []
            assert len(warnings_in(home / "err")) == before


def assert_ready(port: int) -> None:
    assert httpx.get(f"http://127.0.0.1:{port}/health/ready", timeout=PATIENCE_S).json()["ready"]
    assert barbers_in_berlin(port) == SHOWN


def assert_complete(relatives: list[psutil.Process]) -> None:
    programs = " ".join(process.name() for process in relatives)
    assert "mongod" in programs
    assert "valkey" in programs
    assert any("grome.dev.local_stripe" in process.cmdline() for process in relatives)


@pytest.mark.parametrize(
    ("seconds", "signum"),
    [(0.4, signal.SIGINT), (1.2, signal.SIGINT), (2.2, signal.SIGINT), (3.2, signal.SIGINT), (2.2, signal.SIGTERM)],
)
def test_signal_during_the_start_ends_it(tmp_path: Path, seconds: float, signum: signal.Signals) -> None:
    """A terminal sends SIGINT to the process group on Ctrl-C, and a supervisor SIGTERM to the process."""
    with started(tmp_path / "home", free_port()) as grome:
        time.sleep(seconds)
        relatives = family(grome.pid)
        interrupted = time.monotonic()
        (os.killpg if signum is signal.SIGINT else os.kill)(grome.pid, signum)
        grome.wait(timeout=START_PATIENCE_S)
        assert time.monotonic() - interrupted < ENDS_WITHIN_S * overload()
        assert survivors(relatives, within_s=PATIENCE_S) == []


def test_ctrl_c_in_a_weakref_callback_of_an_import_ends_the_command() -> None:
    script = """
import signal, sys, weakref
from grome.cli.main import main
class Finder:
    def find_spec(self, name, path, target=None):
        thing = set()
        watched = weakref.ref(thing, lambda _: signal.raise_signal(signal.SIGINT))
        del thing
sys.meta_path.insert(0, Finder())
sys.argv = ["grome", "openapi"]
main()
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False, timeout=START_PATIENCE_S)
    assert (ended.returncode, ended.stdout, ended.stderr) == (-signal.SIGINT, b"", b"")


def test_ctrl_c_in_a_weakref_callback_of_a_running_command_is_not_lost() -> None:
    """Python drops exceptions that a signal handler raises in a weakref callback."""
    script = """
import signal, time, weakref
from grome.cli.run import StopRequested, stop_on_signals
class Thing: pass
thing = Thing()
watched = weakref.ref(thing, lambda _: signal.raise_signal(signal.SIGINT))
stop_on_signals()
try:
    del thing
    time.sleep(60)
except StopRequested:
    print("stopped")
"""
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=START_PATIENCE_S
    )
    assert (ended.stdout, ended.stderr) == ("stopped\n", "")


def test_run_on_a_busy_port_is_refused(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        (sentence,) = refused(tmp_path / "home", port)
    assert str(port) in sentence
    assert "GROME_HTTP_PORT" in sentence


def test_run_names_all_invalid_settings_at_once(tmp_path: Path) -> None:
    sentences = refused(tmp_path / "home", 0, GROME_LOG_LEVEL="LOUD", GROME_MONGO_ULR="mongodb://x")
    assert len(sentences) == 3
    assert any("GROME_HTTP_PORT" in sentence for sentence in sentences)
    assert any("GROME_LOG_LEVEL" in sentence for sentence in sentences)
    assert any("did you mean GROME_MONGO_URL?" in sentence for sentence in sentences)
