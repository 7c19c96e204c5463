"""The promises of live connections: a person gets each event once, in order, and misses none.

Times are in seconds of one clock. Numbers count the events of a subject: the versions of a booking, or the messages of
its chat.
"""

from typing import Any, Final, NamedTuple

from promises import hold

PATIENCE_S: Final = 10.0  # a change that no event has told by then was missed
USER: Final = "user"


class Subject(NamedTuple):
    """A series of events that are numbered without gaps."""

    kind: str
    id: str


class Change(NamedTuple):
    """A change that the API has answered, and that an event has to tell."""

    subject: Subject
    number: int


class EventLog:
    """The events that a person got, by room, and the changes that the room `user` has not told yet."""

    def __init__(self) -> None:
        self._newest: dict[str, dict[Subject, int]] = {}
        self._awaited: dict[Change, float] = {}
        self.is_joined = False

    def reload(self, room: str) -> None:
        """Begin anew: the state up to here is read by requests, and only later events follow."""
        self._newest[room] = {}
        if room == USER:
            self._awaited.clear()
            self.is_joined = True

    def expect(self, change: Change, now: float) -> bool:
        """Await the event of a change, unless it came before the answer. Return whether it came."""
        if not self.is_joined:
            return False
        if self._newest[USER].get(change.subject, 0) >= change.number:
            return True
        self._awaited[change] = now
        return False

    def take(self, room: str, event: dict[str, Any], now: float) -> float | None:
        """Check an event against the events before it, and return the time since the answer if it was awaited.

        Raises Broken if the event was told before, or if an event before it is missing.
        """
        change = change_told_by(event)
        if change is None:
            return None
        newest = self._newest.setdefault(room, {})
        before = newest.get(change.subject)
        newest[change.subject] = max(change.number, before or 0)
        if before is not None:
            hold(change.number > before, "an event comes twice or after a later one", (room, before, event))
            hold(change.number == before + 1, "an event before this one was missed", (room, before, event))
        answered = self._awaited.pop(change, None) if room == USER else None
        return None if answered is None else now - answered

    def pop_missed(self, now: float) -> list[Change]:
        """Return the changes that were answered too long ago, and await them no longer."""
        missed = [change for change, answered in self._awaited.items() if now - answered > PATIENCE_S]
        for change in missed:
            del self._awaited[change]
        return missed


def change_of(booking_id: object, version: int) -> Change:
    return Change(Subject("booking", str(booking_id)), version)


def message_of(booking_id: object, number: int) -> Change:
    return Change(Subject("chat", str(booking_id)), number)


def change_told_by(event: dict[str, Any]) -> Change | None:
    """Return the change of a booking, or the new message, that an event tells; None for other events."""
    if event["type"].startswith("booking."):
        return change_of(event["subject"], event["version"])
    if event["type"] == "message.sent" and event["data"]:
        return message_of(event["data"]["booking_id"], event["data"]["number"])
    return None
