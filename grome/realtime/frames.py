"""Frames of the live protocol: tagged unions that decode clients' frames and document the server's (docs/realtime.md).

JSON in text messages is the default. With the subprotocol `grome.msgpack` frames are MessagePack in binary messages,
in the same shapes.
"""

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from msgspec import UNSET, Meta, Raw, Struct, UnsetType, field

from grome.common.field_faults import FAULT
from grome.common.text import NOTE
from grome.realtime.models import Ticket

JSON: Final = "grome.json"
MSGPACK: Final = "grome.msgpack"

MAX_ROOMS_A_FRAME: Final = 50
MAX_ROOMS: Final = 100
MAX_EVENTS_OF_RESUME: Final = 300

RequestId = Annotated[int, Meta(ge=0, le=2**53, description="Returned in the reply; the client chooses it.")]
RoomName = Annotated[
    str,
    Meta(
        max_length=64,
        description="`user`, `booking:<id>`, `shop:<barber id>`, `area:<cell>`.",
        examples=["booking:01a22bed-2ef0-72d8-897f-14ec49243f36"],
    ),
]
Offset = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{1,16}-[0-9]{1,10}$(?!\n)",
        extra={FAULT: "is not a position of the form <ms>-<n>"},
        description="A position: `<ms>-<n>`.",
        examples=["1796112000000-0"],
    ),
]
Epoch = Annotated[
    str,
    Meta(max_length=40, description="Names the history that an offset belongs to.", examples=["9c1d02aa5e3f7b10"]),
]
AccessToken = Annotated[str, Meta(max_length=4_096, examples=["eyJhbGciOiJFZERTQSJ9.e30.c2ln"])]


# ---- frames of clients


class Hello(Struct, frozen=True, forbid_unknown_fields=True, tag_field="t", tag="hello"):
    """Signs in, as the first frame, by an access token or a ticket of `POST /v1/live/ticket`."""

    token: AccessToken | None = None
    """Access token; either this or `ticket` is required."""
    ticket: Ticket | None = None
    """Ticket of `POST /v1/live/ticket`, for clients without an access token."""


class Refresh(Struct, frozen=True, forbid_unknown_fields=True, tag_field="t", tag="refresh"):
    """Prolongs the connection by a new access token of the same session, before the old token expires."""

    token: AccessToken
    """New access token of the same session."""
    id: RequestId | None = None


class RoomPosition(Struct, frozen=True, forbid_unknown_fields=True):
    """A room to subscribe to, with the last position that the client has seen, if any."""

    room: RoomName
    epoch: Epoch | None = None
    """Epoch of your last position in the room; null without a position."""
    offset: Offset | None = None
    """Last position that you have seen; null to get only new events."""


class Sub(Struct, frozen=True, forbid_unknown_fields=True, tag_field="t", tag="sub"):
    """Subscribes to rooms, and asks for the events after the given positions."""

    id: RequestId
    rooms: Annotated[list[RoomPosition], Meta(min_length=1, max_length=MAX_ROOMS_A_FRAME)]
    """Up to 50 rooms, each with the last position that you have seen."""


class Unsub(Struct, frozen=True, forbid_unknown_fields=True, tag_field="t", tag="unsub"):
    """Ends subscriptions."""

    id: RequestId
    rooms: Annotated[list[RoomName], Meta(min_length=1, max_length=MAX_ROOMS)]
    """Rooms to leave; names that you do not follow are ignored."""


class Send(Struct, frozen=True, forbid_unknown_fields=True, tag_field="t", tag="send"):
    """Sends a chat message of a booking."""

    id: RequestId
    booking: UUID
    """Id of the booking that the conversation belongs to."""
    key: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=100,
            pattern=r"^[\x21-\x7e]+$(?!\n)",
            extra={FAULT: "is not printable ASCII without spaces"},
            examples=["7d1f-0001"],
        ),
    ]
    """New for each message; a repeat with the same key gets the first reply again."""
    text: Annotated[str, Meta(max_length=2_000, examples=["I am five minutes late."]), NOTE] = ""
    """Words of the message; may be empty if there are photos."""
    photos: Annotated[list[UUID], Meta(max_length=4)] = []
    """Ids of your uploads with the purpose `message`, four at most."""


class Read(Struct, frozen=True, forbid_unknown_fields=True, tag_field="t", tag="read"):
    """Marks the messages of a booking as read, up to and including a message."""

    booking: UUID
    """Id of the booking that the conversation belongs to."""
    message: UUID
    """Id of the newest message that was read; all messages before it count too."""
    id: RequestId | None = None


class Delivered(Struct, frozen=True, forbid_unknown_fields=True, tag_field="t", tag="delivered"):
    """Marks the messages of a booking as delivered to this device, up to and including a message."""

    booking: UUID
    """Id of the booking that the conversation belongs to."""
    message: UUID
    """Id of the newest message that was received; all messages before it count too."""
    id: RequestId | None = None


class Typing(Struct, frozen=True, forbid_unknown_fields=True, tag_field="t", tag="typing"):
    """Tells the other side of a booking that the user types; sent every few seconds while it goes on."""

    booking: UUID
    """Id of the booking that the conversation belongs to."""


class Where(Struct, frozen=True, forbid_unknown_fields=True, tag_field="t", tag="where"):
    """Reports the position of a barber on the way to a house call. At most one in two seconds is used."""

    booking: UUID
    """Id of the house call that the barber is on the way to."""
    lat: Annotated[float, Meta(ge=-90, le=90)]
    """Degrees north."""
    lng: Annotated[float, Meta(ge=-180, le=180)]
    """Degrees east."""
    id: RequestId | None = None


class Ping(Struct, frozen=True, forbid_unknown_fields=True, tag_field="t", tag="ping"):
    """Asks for a reply, so that a client can test the connection."""

    id: RequestId = 0


ClientFrame = Hello | Refresh | Sub | Unsub | Send | Read | Delivered | Typing | Where | Ping


# ---- frames of the server


class Welcome(Struct, frozen=True, tag_field="t", tag="hello"):
    """Answers `hello`."""

    user: UUID
    """Your account id."""
    session: UUID
    """Id of your session."""
    expires_in: int
    """Seconds until the connection ends, unless `refresh` prolongs it."""
    heartbeat_s: int
    """Seconds between pings; reconnect after twice this time without any frame."""
    rooms: list[RoomName]
    """Suggested rooms: `user`, and the rooms of your open bookings."""


class LiveError(Struct, frozen=True):
    """A refusal."""

    code: Annotated[str, Meta(examples=["not_found"])]
    """Stable code, the same as in problems of the REST API."""
    message: Annotated[str, Meta(examples=["The object does not exist, or you may not see it"])]
    """Explanation in English."""
    temporary: bool = False
    """True if the same request can succeed later."""


class Reply(Struct, frozen=True, omit_defaults=True, tag_field="t", tag="reply"):
    """Answers the request with the same `id`: either `ok` or `error` is present."""

    id: int
    """The `id` of the request."""
    ok: Any | UnsetType = UNSET
    """Result of the request; absent if it was refused."""
    error: LiveError | UnsetType = UNSET
    """Reason of the refusal; absent if the request succeeded."""


class ResumedEvent(Struct, frozen=True):
    """An event that a client missed, with its offset."""

    o: Offset
    """Offset of the event in its room; keep the newest for `sub`."""
    d: Raw
    """The event, as in an `event` frame."""


class JoinedRoom(Struct, frozen=True, omit_defaults=True):
    """The result of a subscription to a room, in the reply to `sub`.

    Unless the client has recovered, it loads the state by REST; new events follow in either case.
    """

    room: RoomName
    """Name of the room, as requested."""
    epoch: Epoch | UnsetType = UNSET
    """Names the history of the room; keep it with the offset. Absent if refused."""
    offset: Offset | UnsetType = UNSET
    """Events after this position follow. Absent if refused."""
    recovered: bool | UnsetType = UNSET
    """True if `events` has everything that you missed; false if you must load the state by REST."""
    events: list[Raw] | UnsetType = UNSET
    """Missed events in their order; absent if refused."""
    error: LiveError | UnsetType = UNSET
    """Reason of the refusal; absent if subscribed."""


class Joins(Struct, frozen=True):
    """The `ok` of a reply to `sub`, in the order of the request."""

    rooms: list[JoinedRoom]
    """One result for each room, in the order of the request."""


class Refreshed(Struct, frozen=True):
    """The `ok` of a reply to `refresh`: the life of the new token."""

    expires_in: int
    """Seconds until the connection ends, unless `refresh` prolongs it."""


class EventFrame(Struct, frozen=True, tag_field="t", tag="event"):
    """An event of a room."""

    r: RoomName
    """Room of the event."""
    o: Offset
    """Offset in the room; keep the newest to resume from."""
    d: Any
    """The event."""


class SomebodyTypes(Struct, frozen=True):
    """The account that types."""

    user: UUID
    """Account id of the other side."""


class TypingFrame(Struct, frozen=True, tag_field="t", tag="typing"):
    """The other side of the booking types; show it for five seconds."""

    r: RoomName
    """Room of the booking."""
    d: SomebodyTypes
    """The side that types."""


class Position(Struct, frozen=True):
    """The position of the barber, with the distance and the time to the customer."""

    lat: float
    """Degrees north."""
    lng: float
    """Degrees east."""
    at: datetime
    """Time at which the barber's device reported the position."""
    distance_m: float
    """Straight-line distance to the customer, in metres."""
    eta_min: int | None
    """Remaining travel time in whole minutes; null if too far away for an estimate."""
    arrived: bool
    """Whether the barber has reached the customer."""


class WhereFrame(Struct, frozen=True, tag_field="t", tag="where"):
    """The barber of the booking has moved."""

    r: RoomName
    """Room of the booking."""
    d: Position
    """The newest position of the barber."""


class PresenceState(Struct, frozen=True):
    """Says whether an account has a live connection."""

    user: UUID
    """Account id of the other side."""
    online: bool
    """Whether the account has a live connection."""
    last_seen: datetime | None
    """End of the last connection; null while online, or if the account hides it."""


class PresenceFrame(Struct, frozen=True, tag_field="t", tag="presence"):
    """The other side of the booking came online or went offline."""

    r: RoomName
    """Room of the booking."""
    d: PresenceState
    """The new state."""


class Reset(Struct, frozen=True, tag_field="t", tag="reset"):
    """The position in a room was lost: load the state by REST; new events follow."""

    r: RoomName
    """Room that lost its history."""
    epoch: Epoch
    """Name of the new history."""
    offset: Offset
    """Events after this position follow."""


class PositionPing(Struct, frozen=True, tag_field="t", tag="ping"):
    """A heartbeat, which needs no answer. It moves the position of every room."""

    o: Offset
    """New offset of every room: all events up to it have been sent."""


class Bye(Struct, frozen=True, tag_field="t", tag="bye"):
    """The last frame before the close frame with the same code."""

    code: int
    """Close code, as the description of the channel lists them."""
    reason: Annotated[str, Meta(examples=["This server stops; reconnect."])]
    """Explanation in English, for logs."""
    retry_ms: int = field(default=0)
    """Milliseconds to wait before reconnecting, if the code allows it."""


ServerFrame = Welcome | Reply | EventFrame | TypingFrame | WhereFrame | PresenceFrame | Reset | PositionPing | Bye
