import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

import grome
from grome.dev.embedded import CannotStart, embedded_servers
from grome.dev.embedded.home_lock import OWNER_VARIABLE, lock_home
from grome.dev.embedded.orphans import PATIENCE_SECONDS, end_orphans
from tests.support.eventually import overload

PROJECT = Path(grome.__file__).parents[1]
SLEEP = [sys.executable, "-c", "print(flush=True); import time; time.sleep(60)"]
DEAF = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(15, signal.SIG_IGN); print(flush=True); time.sleep(60)",
]


def start_marked(home: Path, command: list[str]) -> "subprocess.Popen[bytes]":
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | {OWNER_VARIABLE: str(home)})
    assert process.stdout is not None
    process.stdout.readline()  # it runs
    return process


def test_home_locked_by_another_process_is_refused_with_its_pid(tmp_path: Path) -> None:
    with (
        lock_home(tmp_path),
        pytest.raises(CannotStart) as refusal,
        embedded_servers(tmp_path, need_mongo=False, need_redis=False),
    ):
        pass
    assert str(refusal.value) == (
        f"The data in {tmp_path} are in use by another Grome, process {os.getpid()}: "
        "stop it, or choose another home folder."
    )


def test_home_lock_is_released_after_its_owner(tmp_path: Path) -> None:
    for _ in range(2):
        with lock_home(tmp_path):
            assert (tmp_path / "owner.lock").read_text() == str(os.getpid())


def test_owner_variable_is_set_while_the_home_is_locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(OWNER_VARIABLE, raising=False)
    with lock_home(tmp_path / "outer"):
        with lock_home(tmp_path / "inner"):
            assert os.environ[OWNER_VARIABLE] == str(tmp_path / "inner")
        assert os.environ[OWNER_VARIABLE] == str(tmp_path / "outer")
    assert OWNER_VARIABLE not in os.environ


def test_file_in_place_of_the_home_is_reported(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(CannotStart, match="cannot be used to keep data in: File exists"), lock_home(tmp_path / "home"):
        pass


def test_end_orphans_ends_only_processes_of_its_home(tmp_path: Path) -> None:
    with start_marked(tmp_path / "a", SLEEP) as ours, start_marked(tmp_path / "b", SLEEP) as foreign:
        end_orphans(tmp_path / "a")
        assert ours.poll() is not None
        assert foreign.poll() is None
        foreign.kill()


def test_end_orphans_kills_a_process_that_ignores_sigterm(tmp_path: Path) -> None:
    with start_marked(tmp_path, DEAF) as deaf:
        end_orphans(tmp_path, patience=0.1)
        assert deaf.poll() is not None


def test_end_orphans_spares_its_ancestors(tmp_path: Path) -> None:
    """As when `grome run` is typed in a shell that was opened from within an earlier run."""
    start = "from pathlib import Path; from grome.dev.embedded.orphans import end_orphans; end_orphans(Path.cwd())"
    shell = f"import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', {start!r}]))"
    environment = os.environ | {OWNER_VARIABLE: str(tmp_path), "PYTHONPATH": str(PROJECT)}
    command = [sys.executable, "-c", shell]
    assert subprocess.call(command, cwd=tmp_path, env=environment) == 0


def test_end_orphans_without_orphans_returns_at_once(tmp_path: Path) -> None:
    started = time.monotonic()
    end_orphans(tmp_path)
    assert time.monotonic() - started < PATIENCE_SECONDS / 2 * overload()
