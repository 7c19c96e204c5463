"""Kill processes of a running Grome."""

import os
import random
import signal
import time

import msgspec

from tests.support.processes import RunningGrome


def kill_worker(grome: RunningGrome, kind: str, dice: random.Random) -> None:
    """Kill a process with a name that starts with `Sanic-<kind>`; wait for a process if none is running."""
    while not (processes := grome.workers(kind)):
        time.sleep(0.1)
    dice.choice(processes).kill()


def kill_leader(grome: RunningGrome, dice: random.Random) -> None:
    """Kill the process that last logged that it leads the relay, or another job worker if it is gone."""
    lines = [msgspec.json.decode(line) for line in grome.log.read_bytes().splitlines() if b"Leads the" in line]
    pid = lines[-1]["pid"]
    if pid in {process.pid for process in grome.workers("Jobs")}:
        os.kill(pid, signal.SIGKILL)
    else:
        kill_worker(grome, "Jobs", dice)
