"""Items that a live client gives to its reader, and the errors of its requests."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Event:
    """An event of a room. `data` has `id`, `type`, `at`, `subject`, `version` and `data`."""

    room: str
    offset: str
    data: dict[str, Any]


@dataclass(frozen=True)
class Signal:
    """A frame without a position: its `kind` is `typing`, `where` or `presence`."""

    kind: str
    room: str
    data: dict[str, Any]


@dataclass(frozen=True)
class Reload:
    """Load the state of the room by REST; the events after its position follow."""

    room: str


@dataclass(frozen=True)
class Recovered:
    """All events since the last connection follow, or have come."""

    room: str


@dataclass(frozen=True)
class Left:
    """The room was refused; the client no longer subscribes to it."""

    room: str
    code: str


@dataclass(frozen=True)
class Connected:
    """Signed in. `rooms` are the server's suggestions: `user`, and the rooms of open bookings."""

    user: str
    rooms: tuple[str, ...]


@dataclass(frozen=True)
class Disconnected:
    """The connection was lost; the client reconnects after `retry_s` seconds."""

    code: int
    retry_s: float


LiveItem = Event | Signal | Reload | Recovered | Left | Connected | Disconnected


class SignedOut(Exception):
    """Raised by the caller's token function to end the client: there is no session any more."""


class LiveClosed(Exception):
    """The server refused this client for good by a close code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"closed for good with code {code}")
        self.code = code


class RequestRefused(Exception):
    """The error of a reply."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
