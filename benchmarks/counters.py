"""The cost of a request for a server: CPU time, and instructions if the machine counts them."""

import shutil
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final, TypeVar

import psutil

T = TypeVar("T")
_COMMAND: Final = ("perf", "stat", "-x,", "-e", "instructions:u")


@dataclass(frozen=True, slots=True)
class Spent:
    """By one process: seconds of CPU, and instructions in user space, None where they are not counted."""

    cpu_s: float
    instructions: int | None


def spent(pid: int, work: Callable[[], T]) -> tuple[T, Spent]:
    """Run `work` and return the cost for the process `pid` meanwhile."""
    process = psutil.Process(pid)
    perf = _perf_on(pid) if instructions_are_counted() else None
    before = process.cpu_times()
    try:
        done = work()
    finally:
        after = process.cpu_times()
        instructions = _end(perf) if perf else None
    return done, Spent(after.user + after.system - before.user - before.system, instructions)


@cache
def instructions_are_counted() -> bool:
    """Virtual machines often have no counters, and containers often no right to them."""
    if not shutil.which("perf"):
        return False
    tried = subprocess.run([*_COMMAND, "true"], check=False, capture_output=True, text=True)  # noqa: S603 -- fixed words
    return tried.returncode == 0 and read_instructions(tried.stderr) is not None


def read_instructions(told: str) -> int | None:
    """From the comma-separated lines of `perf stat -x,`; None where it could not count."""
    for line in told.splitlines():
        fields = line.split(",")
        if len(fields) > 2 and fields[2].startswith("instructions") and fields[0].isdecimal():
            return int(fields[0])
    return None


def _perf_on(pid: int) -> subprocess.Popen[str]:
    return subprocess.Popen([*_COMMAND, "-p", str(pid)], stderr=subprocess.PIPE, text=True)  # noqa: S603 -- as above


def _end(perf: subprocess.Popen[str]) -> int | None:
    perf.send_signal(signal.SIGINT)  # on which it prints
    return read_instructions(perf.communicate()[1])
