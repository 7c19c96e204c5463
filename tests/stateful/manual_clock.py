"""Provide a clock that is set by hand, in minutes of Unix time."""

from datetime import UTC, datetime


class StoppedClock:
    def __init__(self) -> None:
        self.minute = 0

    def __call__(self) -> datetime:
        return moment(self.minute)


def moment(minute: int) -> datetime:
    return datetime.fromtimestamp(minute * 60, UTC)
