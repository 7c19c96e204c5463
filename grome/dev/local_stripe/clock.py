"""The server's clock: the machine's time plus jumps."""

import time
from datetime import UTC, datetime


class Clock:
    def __init__(self, offset_s: float = 0) -> None:
        self.offset_s = offset_s

    def now(self) -> int:
        return int(time.time() + self.offset_s)

    def advance(self, seconds: float) -> None:
        self.offset_s += seconds


def iso(seconds: float) -> str:
    """Return a time as v2 of the API writes it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
