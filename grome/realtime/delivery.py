"""An event or an ephemeral frame on its way to subscribers, encoded once for all of them."""

from typing import Final
from uuid import UUID

import msgspec

from grome.infrastructure.websocket.framing import binary_frame, text_frame
from grome.realtime.models import START, Offset, format_offset

EVENT: Final = "event"
_PUBLIC: Final = "area:"
_UUID_BYTES: Final = 16
_OVERHEAD_BYTES: Final = 650


class Delivery:
    """A frame for the subscribers of a room. Each encoding is made at its first use and shared by all subscribers.

    `t` is `event`, or the type of an ephemeral frame, which has no offset. `packed_people` are the bytes of the ids of
    all accounts that may see it; everybody may see a frame of an area.
    """

    __slots__ = ("_json_frame", "_msgpack_frame", "_people", "_sse", "offset", "packed_people", "payload", "room", "t")

    def __init__(self, room: str, packed_people: bytes, payload: bytes, offset: Offset | None, t: str = EVENT) -> None:
        self.room, self.packed_people, self.payload, self.offset, self.t = room, packed_people, payload, offset, t
        self._people: frozenset[int] | None = None
        self._json_frame: bytes | None = None
        self._msgpack_frame: bytes | None = None
        self._sse: bytes | None = None

    @property
    def is_public(self) -> bool:
        return self.room.startswith(_PUBLIC)

    def concerns(self, account_id: UUID) -> bool:
        """Return whether the account is among the people."""
        if self._people is None:
            packed = self.packed_people
            ids = (packed[at : at + _UUID_BYTES] for at in range(0, len(packed), _UUID_BYTES))
            self._people = frozenset(int.from_bytes(one, "big") for one in ids)
        return account_id.int in self._people  # a number has a much faster hash than a UUID

    @property
    def size(self) -> int:
        """Return the bytes that the event takes in memory, about."""
        return _OVERHEAD_BYTES + len(self.payload) + len(self.packed_people)

    @property
    def json(self) -> bytes:
        """Return the frame as JSON."""
        # Only the account itself is in its own room, which clients call `user`.
        name = "user" if self.room.startswith("user:") else self.room
        offset = f'"o":"{format_offset(self.offset)}",' if self.offset else ""
        return b'{"t":"%b","r":"%b",%b"d":%b}' % (self.t.encode(), name.encode(), offset.encode(), self.payload)

    @property
    def json_frame(self) -> bytes:
        """Return the frame as a text message of a WebSocket."""
        if self._json_frame is None:
            self._json_frame = text_frame(self.json)
        return self._json_frame

    @property
    def msgpack_frame(self) -> bytes:
        """Return the frame as MessagePack in a binary message of a WebSocket."""
        if self._msgpack_frame is None:
            self._msgpack_frame = binary_frame(msgspec.msgpack.encode(msgspec.json.decode(self.json)))
        return self._msgpack_frame

    @property
    def sse(self) -> bytes:
        """Return the frame as a server-sent event without its id, which differs between streams."""
        if self._sse is None:
            self._sse = b"data: %b\n\n" % self.json
        return self._sse

    @property
    def resumed(self) -> bytes:
        """Return the JSON of `{"o", "d"}`, as replies to `sub` list missed events."""
        return b'{"o":"%b","d":%b}' % (format_offset(self.offset or START).encode(), self.payload)

    def release(self) -> None:
        """Drop the encodings, since an event that was delivered is seldom needed again."""
        self._json_frame = self._msgpack_frame = self._sse = self._people = None
