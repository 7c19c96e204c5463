"""Run commands of `grome` in forks of a process that has imported the application already.

A fork is a process with its own environment, output and exit code, but needs a tenth of the CPU time of an interpreter
that imports a thousand modules. `tests/cli/test_commands.py` starts interpreters.
"""

import atexit
import functools
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Final

import msgspec

from grome.dev.embedded.home_lock import OWNER_VARIABLE

_ROOT: Final = Path(__file__).parents[2]


class Request(msgspec.Struct):
    words: list[str]
    env: dict[str, str]
    folder: str  # receives the output


def run_command(*words: str, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run `grome` with these words, and return its exit code and output. Call it for one command at a time."""
    requests, replies = _server()
    with tempfile.TemporaryDirectory(prefix="grome-command-") as folder:
        requests.write(msgspec.json.encode(Request(list(words), dict(env), folder)) + b"\n")
        requests.flush()
        code = int(replies.readline())
        out, err = ((Path(folder) / name).read_text() for name in ("out", "err"))
    return subprocess.CompletedProcess(words, code, out, err)


@functools.cache
def _server() -> tuple[IO[bytes], IO[bytes]]:
    """Start the process that forks. It ends at the end of its input, so that it needs no mark for the reaper."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.command_server"],
        cwd=_ROOT,
        env={name: value for name, value in os.environ.items() if name != OWNER_VARIABLE},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin
    assert process.stdout
    atexit.register(process.communicate)
    return process.stdin, process.stdout
