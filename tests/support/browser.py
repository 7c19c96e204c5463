"""The browsers that there are: Lightpanda from requirements/dev.txt, and a Chromium where the machine has one.

Lightpanda runs a page's scripts, forms and cookies, but paints nothing and holds no page to its policies; Chromium does
both. So the same tests run again in an installed browser.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from tests.support.eventually import START_PATIENCE_S
from tests.support.processes import free_port

_CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def browsers() -> dict[str, str]:
    """Programs by name."""
    with_ours = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    found = {
        "lightpanda": shutil.which("lightpanda", path=with_ours),
        "chromium": next(filter(None, map(shutil.which, _CHROMIUM)), None),
    }
    return {name: program for name, program in found.items() if program}


def start_browser(name: str, home: Path) -> AbstractContextManager[str]:
    """The WebSocket address of its DevTools, as long as it runs."""
    assert name in browsers(), "there is no browser; `make install` brings one from requirements/dev.txt"
    start: Callable[[str, Path], AbstractContextManager[str]] = lightpanda if name == "lightpanda" else chromium
    return start(browsers()[name], home)


@contextmanager
def lightpanda(program: str, home: Path) -> Iterator[str]:
    port = free_port()
    command = [program, "serve", "--host", "127.0.0.1", "--port", str(port), "--disable-metrics"]
    with _run_process(command, home, LIGHTPANDA_DISABLE_TELEMETRY="true") as process:
        _await(lambda: _answers(port), process)
        yield f"ws://127.0.0.1:{port}/"


@contextmanager
def chromium(program: str, home: Path) -> Iterator[str]:
    command = [program, "--headless", f"--user-data-dir={home}", "--remote-debugging-port=0", "--no-first-run"]
    command += ["--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
    if os.geteuid() == 0:
        command.append("--no-sandbox")  # it refuses to start as root with one
    told = home / "DevToolsActivePort"
    with _run_process(command, home) as process:
        _await(lambda: told.exists() and len(told.read_text().splitlines()) == 2, process)
        port, path = told.read_text().splitlines()
        yield f"ws://127.0.0.1:{port}{path}"


@contextmanager
def _run_process(command: list[str], home: Path, **env: str) -> Iterator[subprocess.Popen[bytes]]:
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, cwd=home, env={**os.environ, **env}, stdout=quiet, stderr=quiet) as process:
        try:
            yield process
        finally:
            process.terminate()


def _await(ready: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_PATIENCE_S
    while not ready():
        assert process.poll() is None, f"it has ended: {process.args!r}"
        assert time.monotonic() < deadline, f"it does not start: {process.args!r}"
        time.sleep(0.05)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
