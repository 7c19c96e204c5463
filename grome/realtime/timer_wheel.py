"""One timer for all live connections of a process."""

from typing import Final, Protocol

_SLOTS: Final = 64


class Timed(Protocol):
    """Gets called when it is due."""

    def on_due(self, now: float) -> float | None:
        """Act, and return the next time to be called; None for never."""


class TimerWheel:
    """Calls items when they are due, to the second: an `asyncio` timer each would cost more memory than its item.

    Times are seconds of the event loop's clock. A time further away than 64 seconds is looked at every 64 seconds.
    """

    def __init__(self) -> None:
        self._slots: list[dict[Timed, float]] = [{} for _ in range(_SLOTS)]
        self._second: int | None = None

    def add(self, item: Timed, due: float) -> None:
        """Call the item at `due`, or with the next `advance` if that has passed."""
        second = int(due) + 1
        if self._second is not None:
            second = min(max(second, self._second + 1), self._second + _SLOTS - 1)
        self._slots[second % _SLOTS][item] = due

    def advance(self, now: float) -> None:
        """Call all items that have become due. An item that raises an error is not called again.

        The error is raised when all other items were called.
        """
        first = int(now) if self._second is None else self._second + 1
        errors: list[Exception] = []
        for second in range(max(first, int(now) - _SLOTS + 1), int(now) + 1):
            self._second = second
            slot, self._slots[second % _SLOTS] = self._slots[second % _SLOTS], {}
            for item, due in slot.items():
                try:
                    again = due if due > now else item.on_due(now)
                except Exception as error:  # noqa: BLE001 -- raised below
                    errors.append(error)
                    continue
                if again is not None:
                    self.add(item, again)
        if errors:
            raise ExceptionGroup("timers of live connections", errors)
