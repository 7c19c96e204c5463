"""The state of the server that all handlers share, and tasks that run when the clock reaches their time."""

import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from grome.dev.local_stripe.clock import Clock
from grome.dev.local_stripe.errors import Json
from grome.dev.local_stripe.faults import Fault
from grome.dev.local_stripe.store import Store

_LOG_LENGTH: Final = 20_000
_TASKS: Final[dict[str, "Task"]] = {}


@dataclass(frozen=True)
class Settings:
    """`webhook_url` may be empty: then nothing is delivered."""

    port: int
    secret_key: str
    webhook_url: str = ""
    webhook_secret: str = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@dataclass
class State:
    """`listeners` are called with each recorded event. `calls` logs the API calls since the process started."""

    store: Store
    settings: Settings
    clock: Clock = field(init=False)
    faults: list[Fault] = field(default_factory=list)
    calls: deque[Json] = field(default_factory=lambda: deque(maxlen=_LOG_LENGTH))
    listeners: list[Callable[[Json], None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        stored = self.store.find("_clock", "clock")
        self.clock = Clock(stored["offset_s"] if stored else 0)

    def now(self) -> int:
        return self.clock.now()

    def advance(self, seconds: float) -> None:
        """Move the clock, and run the tasks that are due by then, each at its own time."""
        target = self.now() + seconds
        while due := [job["at"] for job in self.store.newest("_task") if job["at"] <= target]:
            self.clock.advance(max(0, min(due) - self.now()))
            self.run_due()
        self.clock.advance(target - self.now())
        self.store.put({"id": "clock", "object": "_clock", "offset_s": self.clock.offset_s})

    def run_due(self) -> None:
        """Run all tasks that are due, the earliest first, including tasks which those schedule."""
        now = self.now()
        while due := [job for job in self.store.newest("_task") if job["at"] <= now]:
            job = min(reversed(due), key=lambda found: found["at"])
            self.store.delete(job)
            _TASKS[job["name"]](self, job["subject"])


Task = Callable[[State, str], None]


def task(name: str) -> Callable[[Task], Task]:
    """Register a function that `schedule` runs later, by its name."""

    def register(function: Task) -> Task:
        _TASKS[name] = function
        return function

    return register


def schedule(state: State, at: float, name: str, subject: str) -> None:
    """Run the task of that name with the id of its subject once the clock has reached `at`."""
    state.store.put({"id": new_id("_task"), "object": "_task", "at": at, "name": name, "subject": subject})


def new_id(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(12)}"
