"""Frames of the live protocol: tagged unions that decode clients' frames and document the server's (docs/realtime.md).

JSON in text messages is the default. With the subprotocol `grome.msgpack` frames are MessagePack in binary messages,
in the same shapes.
"""

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from msgspec import UNSET, Meta, Raw, Struct, UnsetType, field

from grome.common.text import NOTE

JSON: Final = "grome.json"
MSGPACK: Final = "grome.msgpack"

MAX_ROOMS_A_FRAME: Final = 50
MAX_ROOMS: Final = 100
MAX_EVENTS_OF_RESUME: Final = 300

RequestId = Annotated[int, Meta(ge=0, le=2**53, description="Returned in the reply; the client chooses it.")]
RoomName = Annotated[str, Meta(max_length=64, description="`user`, `booking:<id>`, `shop:<barber id>`, `area:<cell>`.")]
Offset = Annotated[str, Meta(pattern=r"^[0-9]{1,16}-[0-9]{1,10}$(?!\n)", description="A position: `<ms>-<n>`.")]
Epoch = Annotated[str, Meta(max_length=40, description="Names the history that an offset belongs to.")]


# ---- frames of clients


class Hello(Struct, frozen=True, forbid_unknown_fields=True, tag_field="t", tag="hello"):
    """Signs in, as the first frame, by an access token or a ticket of `POST /v1/live/ticket`."""

    token: Annotated[str, Meta(max_length=4_096)] | None = None
    ticket: Annotated[str, Meta(max_length=100)] | None = None


class Refresh(Struct, frozen=True, forbid_unknown_fields=True, tag_field="t", tag="refresh"):
    """Prolongs the connection by a new access token of the same session, before the old token expires."""

    token: Annotated[str, Meta(max_length=4_096)]
    id: RequestId | None = None


class RoomPosition(Struct, frozen=True, forbid_unknown_fields=True):
    """A room to subscribe to, with the last position that the client has seen, if any."""

    room: RoomName
    epoch: Epoch | None = None
    offset: Offset | None = None


class Sub(Struct, frozen=True, forbid_unknown_fields=True, tag_field="t", tag="sub"):
    """Subscribes to rooms, and asks for the events after the given positions."""

    id: RequestId
    rooms: Annotated[list[RoomPosition], Meta(min_length=1, max_length=MAX_ROOMS_A_FRAME)]


class Unsub(Struct, frozen=True, forbid_unknown_fields=True, tag_field="t", tag="unsub"):
    """Ends subscriptions."""

    id: RequestId
    rooms: Annotated[list[RoomName], Meta(min_length=1, max_length=MAX_ROOMS)]


class Send(Struct, frozen=True, forbid_unknown_fields=True, tag_field="t", tag="send"):
    """Sends a chat message of a booking. A repeat with the same `key` gets the first reply again."""

    id: RequestId
    booking: UUID
    key: Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[\x21-\x7e]+$(?!\n)")]
    text: Annotated[str, Meta(max_length=2_000), NOTE] = ""
    photos: Annotated[list[UUID], Meta(max_length=4)] = []


class Read(Struct, frozen=True, forbid_unknown_fields=True, tag_field="t", tag="read"):
    """Marks the messages of a booking as read, up to and including a message."""

    booking: UUID
    message: UUID
    id: RequestId | None = None


class Delivered(Struct, frozen=True, forbid_unknown_fields=True, tag_field="t", tag="delivered"):
    """Marks the messages of a booking as delivered to this device, up to and including a message."""

    booking: UUID
    message: UUID
    id: RequestId | None = None


class Typing(Struct, frozen=True, forbid_unknown_fields=True, tag_field="t", tag="typing"):
    """Tells the other side of a booking that the user types; sent every few seconds while it goes on."""

    booking: UUID


class Where(Struct, frozen=True, forbid_unknown_fields=True, tag_field="t", tag="where"):
    """Reports the position of a barber on the way to a house call. At most one in two seconds is used."""

    booking: UUID
    lat: Annotated[float, Meta(ge=-90, le=90)]
    lng: Annotated[float, Meta(ge=-180, le=180)]
    id: RequestId | None = None


class Ping(Struct, frozen=True, forbid_unknown_fields=True, tag_field="t", tag="ping"):
    """Asks for a reply, so that a client can test the connection."""

    id: RequestId = 0


ClientFrame = Hello | Refresh | Sub | Unsub | Send | Read | Delivered | Typing | Where | Ping


# ---- frames of the server


class Welcome(Struct, frozen=True, tag_field="t", tag="hello"):
    """Answers `hello`. `rooms` are suggestions: `user`, and the rooms of the user's open bookings.

    The access token, and so the connection, ends in `expires_in` seconds unless it is refreshed. A client that hears
    nothing for twice `heartbeat_s` seconds should reconnect.
    """

    user: UUID
    session: UUID
    expires_in: int
    heartbeat_s: int
    rooms: list[str]


class LiveError(Struct, frozen=True):
    """A refusal. `code` is stable; `temporary` says that the same request can succeed later."""

    code: str
    message: str
    temporary: bool = False


class Reply(Struct, frozen=True, omit_defaults=True, tag_field="t", tag="reply"):
    """Answers the request with the same `id`: either `ok` or `error` is present."""

    id: int
    ok: Any | UnsetType = UNSET
    error: LiveError | UnsetType = UNSET


class ResumedEvent(Struct, frozen=True):
    """An event that a client missed, with its offset."""

    o: str
    d: Raw


class JoinedRoom(Struct, frozen=True, omit_defaults=True):
    """The result of a subscription to a room, in the reply to `sub`.

    If `recovered` is true, `events` are all events after the client's position. Otherwise the state has to be loaded by
    REST; events after `offset` follow in either case. A room that was refused has an `error` only.
    """

    room: str
    epoch: str | UnsetType = UNSET
    offset: str | UnsetType = UNSET
    recovered: bool | UnsetType = UNSET
    events: list[Raw] | UnsetType = UNSET
    error: LiveError | UnsetType = UNSET


class Joins(Struct, frozen=True):
    """The `ok` of a reply to `sub`, in the order of the request."""

    rooms: list[JoinedRoom]


class Refreshed(Struct, frozen=True):
    """The `ok` of a reply to `refresh`: the life of the new token."""

    expires_in: int


class EventFrame(Struct, frozen=True, tag_field="t", tag="event"):
    """An event of the room `r` at the offset `o`. `d` has `id`, `type`, `at`, `subject`, `version` and `data`."""

    r: str
    o: str
    d: Any


class SomebodyTypes(Struct, frozen=True):
    """The account that types."""

    user: UUID


class TypingFrame(Struct, frozen=True, tag_field="t", tag="typing"):
    """The other side of the booking types; show it for five seconds."""

    r: str
    d: SomebodyTypes


class Position(Struct, frozen=True):
    """The position of the barber, with the distance and the time to the customer."""

    lat: float
    lng: float
    at: datetime
    distance_m: float
    eta_min: int | None
    arrived: bool


class WhereFrame(Struct, frozen=True, tag_field="t", tag="where"):
    """The barber of the booking has moved."""

    r: str
    d: Position


class PresenceState(Struct, frozen=True):
    """Says whether an account has a live connection. `last_seen` is null while online, or by the user's preference."""

    user: UUID
    online: bool
    last_seen: datetime | None


class PresenceFrame(Struct, frozen=True, tag_field="t", tag="presence"):
    """The other side of the booking came online or went offline."""

    r: str
    d: PresenceState


class Reset(Struct, frozen=True, tag_field="t", tag="reset"):
    """The position in the room `r` was lost: load the state by REST; events after `offset` follow."""

    r: str
    epoch: str
    offset: str


class PositionPing(Struct, frozen=True, tag_field="t", tag="ping"):
    """A heartbeat. All events up to the offset `o` have been sent, in every room; needs no answer."""

    o: str


class Bye(Struct, frozen=True, tag_field="t", tag="bye"):
    """The last frame before the close frame with the same code. Reconnect after `retry_ms` if the code allows it."""

    code: int
    reason: str
    retry_ms: int = field(default=0)


ServerFrame = Welcome | Reply | EventFrame | TypingFrame | WhereFrame | PresenceFrame | Reset | PositionPing | Bye
