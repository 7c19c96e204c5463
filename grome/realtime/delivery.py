"""An event or an ephemeral frame on its way to subscribers, encoded once for all of them."""

from functools import cached_property
from typing import Final
from uuid import UUID

import msgspec

from grome.realtime.models import Offset, format_offset

EVENT: Final = "event"
_PUBLIC: Final = "area:"


class Delivery:
    """A frame for the subscribers of a room. Each encoding is made at its first use and shared by all subscribers.

    `t` is `event`, or the type of an ephemeral frame, which has no offset.
    """

    def __init__(
        self, room: str, people: frozenset[UUID], payload: bytes, offset: Offset | None, t: str = EVENT
    ) -> None:
        self.room, self.people, self.payload, self.offset, self.t = room, people, payload, offset, t
        self.is_public = room.startswith(_PUBLIC)

    @property
    def size(self) -> int:
        """Return the bytes that the event takes in memory, about."""
        return _OVERHEAD + len(self.payload) + _PERSON * len(self.people)

    @cached_property
    def json(self) -> bytes:
        """Return the frame as JSON."""
        # Only the account itself is in its own room, which clients call `user`.
        name = "user" if self.room.startswith("user:") else self.room
        offset = f'"o":"{format_offset(self.offset)}",' if self.offset else ""
        return b'{"t":"%b","r":"%b",%b"d":%b}' % (self.t.encode(), name.encode(), offset.encode(), self.payload)

    @cached_property
    def json_frame(self) -> bytes:
        """Return the frame as a text message of a WebSocket."""
        return _framed(0x81, self.json)

    @cached_property
    def msgpack_frame(self) -> bytes:
        """Return the frame as MessagePack in a binary message of a WebSocket."""
        return _framed(0x82, msgspec.msgpack.encode(msgspec.json.decode(self.json)))

    @cached_property
    def sse(self) -> bytes:
        """Return the frame as a server-sent event; its id is the offset."""
        number = f"id: {format_offset(self.offset)}\n".encode() if self.offset else b""
        return b"%bdata: %b\n\n" % (number, self.json)

    @cached_property
    def resumed(self) -> bytes:
        """Return the JSON of `{"o", "d"}`, as replies to `sub` list missed events."""
        return b'{"o":"%b","d":%b}' % (format_offset(self.offset or (0, 0)).encode(), self.payload)


_OVERHEAD: Final = 1_000  # an event in the ring with an encoding or two
_PERSON: Final = 100


def _framed(first: int, payload: bytes) -> bytes:
    """Return a whole, unmasked message of a WebSocket."""
    length = len(payload)
    if length < 126:  # noqa: PLR2004 -- RFC 6455, 5.2
        return bytes((first, length)) + payload
    if length < 1 << 16:
        return bytes((first, 126)) + length.to_bytes(2, "big") + payload
    return bytes((first, 127)) + length.to_bytes(8, "big") + payload
