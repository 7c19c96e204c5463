"""The AsyncAPI document is valid by the published schema, and describes the frames that are sent."""

import json
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
import jsonschema_rs  # comes with schemathesis
import msgspec
import pytest
from click.testing import CliRunner
from msgspec import Raw

from grome.app import live_document
from grome.bookings.models import Status
from grome.chat.schemas import MarkOut, MessageOut, PhotoOut
from grome.cli.main import cli
from grome.common.ids import new_id
from grome.infrastructure.outbox.models import EventType
from grome.realtime.close_codes import CloseCode
from grome.realtime.event_schemas import BookingData, EventBody
from grome.realtime.frames import (
    Bye,
    ClientFrame,
    EventFrame,
    JoinedRoom,
    Joins,
    LiveError,
    Position,
    PositionPing,
    PresenceFrame,
    PresenceState,
    Refreshed,
    Reply,
    Reset,
    SomebodyTypes,
    TypingFrame,
    Welcome,
    WhereFrame,
)
from grome.tracking.schemas import PositionOut

# Where the Makefile installs the packages of tests/clients/package-lock.json.
SCHEMA: Final = Path(sys.prefix) / "clients" / "node_modules" / "@asyncapi" / "specs" / "schemas" / "3.1.0.json"
GUIDE: Final = Path(__file__).parents[2] / "docs" / "realtime.md"
DOCUMENT: Final = json.loads(json.dumps(live_document()))
NOW: Final = datetime(2026, 12, 1, 8, tzinfo=UTC)
ROOM: Final = f"booking:{new_id()}"
OFFSET: Final = "1796112000000-0"

CLIENT_FRAMES: Final[dict[str, dict[str, Any]]] = {
    "Hello": {"t": "hello", "token": "eyJ"},
    "Refresh": {"t": "refresh", "token": "eyJ", "id": 1},
    "Sub": {"t": "sub", "id": 2, "rooms": [{"room": "user"}, {"room": ROOM, "epoch": "5f3a", "offset": OFFSET}]},
    "Unsub": {"t": "unsub", "id": 3, "rooms": ["user"]},
    "Send": {"t": "send", "id": 4, "booking": str(new_id()), "key": "k1", "text": "I am late", "photos": []},
    "Read": {"t": "read", "id": 5, "booking": str(new_id()), "message": str(new_id())},
    "Delivered": {"t": "delivered", "booking": str(new_id()), "message": str(new_id())},
    "Typing": {"t": "typing", "booking": str(new_id())},
    "Where": {"t": "where", "booking": str(new_id()), "lat": 52.52, "lng": 13.4, "id": 6},
    "Ping": {"t": "ping", "id": 7},
}


def _event() -> EventBody:
    data = BookingData(
        id=new_id(),
        customer_id=new_id(),
        barber_id=new_id(),
        status=Status.ACCEPTED,
        scheduled_at=NOW,
        ends_at=NOW,
        service_names=["Haircut"],
        price=3_000,
        currency="EUR",
        version=2,
    )
    return EventBody(
        id=new_id(), type=EventType.BOOKING_ACCEPTED, at=NOW, subject=data.id, version=data.version, data=data
    )


def _joins() -> Joins:
    missed = Raw(msgspec.json.encode({"o": OFFSET, "d": _event()}))
    return Joins(
        [
            JoinedRoom("user", "5f3a", OFFSET, recovered=True, events=[missed]),
            JoinedRoom(ROOM, error=LiveError("not_found", "The room does not exist.")),
        ]
    )


def _server_frames() -> dict[str, Any]:
    person, position = new_id(), Position(52.52, 13.4, NOW, 900.5, 4, arrived=False)
    message = MessageOut(new_id(), new_id(), person, 1, "", [PhotoOut(new_id(), "/p")], 1, NOW, None, None)
    reported = PositionOut(52.52, 13.4, NOW, 900.5, 4, arrived=False)
    return {
        "Welcome": Welcome(person, new_id(), 900, 25, ["user", ROOM]),
        "EventFrame": EventFrame(ROOM, OFFSET, _event()),
        "TypingFrame": TypingFrame(ROOM, SomebodyTypes(person)),
        "WhereFrame": WhereFrame(ROOM, position),
        "PresenceFrame": PresenceFrame(ROOM, PresenceState(person, online=False, last_seen=NOW)),
        "Reset": Reset(ROOM, "5f3a", OFFSET),
        "PositionPing": PositionPing(OFFSET),
        "Bye": Bye(CloseCode.DRAIN, "This server stops.", 1_500),
        "ReplyToRefresh": Reply(1, ok=Refreshed(900)),
        "ReplyToSub": Reply(2, ok=_joins()),
        "ReplyToUnsub": Reply(3, ok={}),
        "ReplyToSend": Reply(4, ok=message),
        "ReplyToRead": Reply(5, ok=MarkOut(3, 3, 0)),
        "ReplyToDelivered": Reply(5, error=LiveError("unavailable", "Try again.", temporary=True)),
        "ReplyToWhere": Reply(6, ok=reported),
        "ReplyToPing": Reply(7, ok={}),
        "StreamedReply": Reply(0, ok=_joins()),
    }


def validator_of(message: str) -> jsonschema_rs.Draft7Validator:
    """AsyncAPI's own dialect is a superset of JSON Schema's draft 7."""
    reference = DOCUMENT["components"]["messages"][message]["payload"]
    return jsonschema_rs.Draft7Validator({**reference, "components": DOCUMENT["components"]})


def test_document_is_valid_by_the_published_schema() -> None:
    assert SCHEMA.is_file(), "`make .venv/installed-clients` installs the schema"
    validator = jsonschema_rs.validator_for(json.loads(SCHEMA.read_text()))
    assert [str(error) for error in validator.iter_errors(DOCUMENT)] == []


def test_document_references_lead_to_definitions() -> None:
    references = set(re.findall(r'"\$ref": "#/([^"]*)"', json.dumps(DOCUMENT)))
    assert references
    for reference in references:
        found = DOCUMENT
        for part in reference.split("/"):
            found = found[part]


def test_document_describes_each_field() -> None:
    fields = {
        f"{name}.{field}": described.get("description")
        for name, schema in DOCUMENT["components"]["schemas"].items()
        for field, described in schema.get("properties", {}).items()
    }
    assert [field for field, text in fields.items() if not text] == []


def test_document_describes_frames_of_every_kind() -> None:
    frames = _server_frames()
    assert {*CLIENT_FRAMES, *frames} == set(DOCUMENT["components"]["messages"])
    for name, client_frame in CLIENT_FRAMES.items():
        msgspec.convert(client_frame, ClientFrame)  # raises if the server would refuse it
        validator_of(name).validate(client_frame)
    for name, frame in frames.items():
        validator_of(name).validate(json.loads(msgspec.json.encode(frame)))
    validator_of("ReplyToWhere").validate({"t": "reply", "id": 6, "ok": None})


@pytest.mark.parametrize("name", [*CLIENT_FRAMES, *_server_frames()])
def test_document_refuses_frame_of_another_kind(name: str) -> None:
    other = json.loads(msgspec.json.encode(_server_frames()["Bye" if name != "Bye" else "Reset"]))
    assert not validator_of(name).is_valid(other)


def test_frames_of_the_guide_are_frames_of_the_document() -> None:
    examples = [json.loads(line) for block in _blocks_of_the_guide() for line in block.splitlines()]
    told = set()
    for example in examples:
        names = [
            name for name, message in DOCUMENT["components"]["messages"].items() if message["name"] == example["t"]
        ]
        fitting = [name for name in names if validator_of(name).is_valid(example)]
        assert fitting, example
        told.update(fitting)
    kinds = {*CLIENT_FRAMES, *_server_frames()}
    assert {name for name in kinds if not name.startswith("ReplyTo")} <= told


def _blocks_of_the_guide() -> list[str]:
    blocks: list[str] = re.findall(r"^```json\n(.*?)\n```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    return blocks


async def test_document_is_served_and_printed(http: httpx.AsyncClient) -> None:
    assert (await http.get("/asyncapi.json")).json() == DOCUMENT
    assert json.loads(CliRunner().invoke(cli, ["asyncapi"]).stdout) == DOCUMENT
