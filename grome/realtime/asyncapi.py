"""Build the AsyncAPI 3.1 document of the live protocol from the Structs that decode and encode its frames."""

import inspect
from collections import defaultdict
from collections.abc import Iterable
from typing import Final

import msgspec
from msgspec import Struct

from grome.chat.schemas import MarkOut, MessageOut
from grome.infrastructure.http.field_texts import field_texts
from grome.infrastructure.http.json_schemas import SCHEMA_REF, Json, describe_types
from grome.infrastructure.outbox.models import EventType
from grome.realtime.close_codes import CloseCode
from grome.realtime.event_schemas import DATA_OF_FAMILIES, EventBody, NoData
from grome.realtime.frames import (
    Bye,
    Delivered,
    EventFrame,
    Hello,
    Joins,
    LiveError,
    Ping,
    PositionPing,
    PresenceFrame,
    Read,
    Refresh,
    Refreshed,
    Reply,
    Reset,
    ResumedEvent,
    Send,
    Sub,
    Typing,
    TypingFrame,
    Unsub,
    Welcome,
    Where,
    WhereFrame,
)
from grome.tracking.schemas import PositionOut

_MESSAGE_REF: Final = "#/components/messages/{name}"
_CHANNEL_MESSAGE_REF: Final = "#/channels/{channel}/messages/{name}"
_SOCKET: Final = "socket"
_EVENTS: Final = "events"

# The requests of clients, each with the type of `ok` in its reply; None if `ok` is an empty object.
_REQUESTS: Final[dict[type[Struct], type[Struct] | None]] = {
    Refresh: Refreshed,
    Sub: Joins,
    Unsub: None,
    Send: MessageOut,
    Read: MarkOut,
    Delivered: MarkOut,
    Where: PositionOut,
    Ping: None,
}
_UNANSWERED: Final[tuple[type[Struct], ...]] = (Typing,)
_TOLD: Final[tuple[type[Struct], ...]] = (
    EventFrame,
    TypingFrame,
    WhereFrame,
    PresenceFrame,
    Reset,
    PositionPing,
    Bye,
)
_STREAMED: Final[tuple[type[Struct], ...]] = (Welcome, EventFrame, TypingFrame, WhereFrame, PresenceFrame, Reset, Bye)
_TAG_TEXT: Final = "Tells the kinds of frames apart."
_DESCRIPTION: Final = """\
Changes of bookings, chat, positions and presence, as docs/realtime.md explains.

Frames are JSON objects in text messages; with the subprotocol `grome.msgpack` they are MessagePack in binary messages,
in the same shapes. The first frame of a client is `hello`. `GET /v1/events` streams the frames of the server as
server-sent events.
"""


def asyncapi_document(*, title: str, version: str) -> Json:
    """Build the document: channels, operations of both sides, and a message for each kind of frame."""
    schemas = _schemas()
    messages = _messages()
    on_socket = [name for name in messages if name != "StreamedReply"]
    on_stream = [*(kind.__name__ for kind in _STREAMED), "StreamedReply"]
    return {
        "asyncapi": "3.1.0",
        "info": {"title": title, "version": version, "description": _DESCRIPTION},
        "defaultContentType": "application/json",
        "channels": {
            _SOCKET: {
                "address": "/v1/live",
                "description": f"A WebSocket. Close codes: {_close_codes()}.",
                "messages": _references(on_socket),
                "bindings": {"ws": {"method": "GET", "bindingVersion": "0.1.0"}},
            },
            _EVENTS: {
                "address": "/v1/events",
                "description": "Server-sent events. Needs an access token, or a ticket in the query.",
                "messages": _references(on_stream),
            },
        },
        "operations": _operations(on_stream),
        "components": {
            "schemas": schemas,
            "messages": messages,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _schemas() -> dict[str, Json]:
    data = [kind for kinds in DATA_OF_FAMILIES.values() for kind in kinds]
    results = [kind for kind in _REQUESTS.values() if kind]
    own: list[type[Struct]] = [
        Hello,
        *_REQUESTS,
        *_UNANSWERED,
        *_TOLD,
        Welcome,
        Reply,
        LiveError,
        ResumedEvent,
        NoData,
        *data,
        *results,
    ]
    _, schemas = describe_types([*dict.fromkeys(own), EventType])
    events = _event_schemas()
    schemas |= events
    schemas["Event"] = {
        "description": "An event, by the family of its type.",
        "anyOf": [_schema(name) for name in events],
    }
    # Types that msgspec passes on as raw JSON.
    schemas["EventFrame"]["properties"]["d"] |= _schema("Event")
    schemas["ResumedEvent"]["properties"]["d"] |= _schema("Event")
    schemas["JoinedRoom"]["properties"]["events"] |= {"type": "array", "items": _schema("ResumedEvent")}
    for schema in schemas.values():
        if tag := schema.get("properties", {}).get("t"):
            tag["description"] = _TAG_TEXT
    schemas["EmptyResult"] = {"description": "The request succeeded.", "type": "object", "additionalProperties": False}
    for request, result in _REQUESTS.items():
        schemas[_reply_name(request)] = _reply_schema(result)
    del schemas["Reply"]
    schemas["StreamedReply"] = _reply_schema(Joins)
    # Null says that the position came too soon after another.
    reported = schemas[_reply_name(Where)]["anyOf"][0]["properties"]["ok"]
    reported["anyOf"] = [{"$ref": reported.pop("$ref")}, {"type": "null"}]
    return schemas


def _event_schemas() -> dict[str, Json]:
    """Describe the events by the types of their data."""
    types: defaultdict[str, list[str]] = defaultdict(list)
    for kind in EventType:
        types[kind.value.partition(".")[0]].append(kind.value)
    schemas: dict[str, Json] = {}
    for family, names in types.items():
        kinds: tuple[type[Struct], ...] = (*DATA_OF_FAMILIES.get(family, ()), NoData)
        properties: Json = {
            "id": {"type": "string", "format": "uuid"},
            "type": {"enum": names},
            "at": {"type": "string", "format": "date-time"},
            "subject": {"type": "string", "format": "uuid"},
            "version": {"type": "integer"},
            "data": {"anyOf": [_schema(kind.__name__) for kind in kinds]},
        }
        for name, text in field_texts(EventBody).items():
            properties[name]["description"] = text
        title = family.title().replace("_", "") + "Event"
        schemas[title] = {
            "title": title,
            "description": inspect.cleandoc(EventBody.__doc__ or ""),
            "type": "object",
            "properties": properties,
            "required": [field.name for field in msgspec.structs.fields(EventBody)],
        }
    return schemas


def _reply_schema(result: type[Struct] | None) -> Json:
    ok = _schema(result.__name__ if result else "EmptyResult")
    texts = field_texts(Reply)
    shared: Json = {
        "t": {"enum": ["reply"], "description": _TAG_TEXT},
        "id": {"type": "integer", "description": texts["id"]},
    }
    return {
        "description": inspect.cleandoc(Reply.__doc__ or ""),
        "anyOf": [
            {
                "type": "object",
                "properties": {**shared, name: {**schema, "description": texts[name]}},
                "required": ["t", "id", name],
            }
            for name, schema in (("ok", ok), ("error", _schema("LiveError")))
        ],
    }


def _messages() -> dict[str, Json]:
    frames: list[type[Struct]] = [Hello, *_REQUESTS, *_UNANSWERED, Welcome, *_TOLD]
    messages = {frame.__name__: _message(frame.__name__, _tag(frame), frame.__doc__) for frame in frames}
    for request in _REQUESTS:
        name = _reply_name(request)
        messages[name] = _message(name, "reply", f"Answers `{_tag(request)}`.")
    messages["StreamedReply"] = _message("StreamedReply", "reply", "Tells a stream's rooms and their missed events.")
    return messages


def _message(name: str, tag: str, text: str | None) -> Json:
    summary, _, rest = inspect.cleandoc(text or "").partition("\n\n")
    described: Json = {"name": tag, "title": name, "summary": summary, "payload": _schema(name)}
    return described | {"description": rest} if rest else described


def _operations(on_stream: Iterable[str]) -> Json:
    """Name operations by the frames; `receive` and `send` are the server's."""
    operations = {"sign_in": _operation("receive", _SOCKET, ["Hello"], replies=["Welcome", "Bye"])}
    for request in _REQUESTS:
        name = request.__name__
        operations[_tag(request)] = _operation("receive", _SOCKET, [name], replies=[_reply_name(request)])
    for frame in _UNANSWERED:
        operations[_tag(frame)] = _operation("receive", _SOCKET, [frame.__name__])
    for frame in _TOLD:
        operations[f"tell_{_tag(frame)}"] = _operation("send", _SOCKET, [frame.__name__])
    operations["stream_events"] = {
        **_operation("send", _EVENTS, on_stream),
        "security": [{"$ref": "#/components/securitySchemes/bearer"}],
    }
    return operations


def _operation(action: str, channel: str, messages: Iterable[str], replies: Iterable[str] = ()) -> Json:
    described: Json = {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": _of_channel(channel, messages),
    }
    if replies:
        described["reply"] = {
            "channel": {"$ref": f"#/channels/{channel}"},
            "messages": _of_channel(channel, replies),
        }
    return described


def _of_channel(channel: str, names: Iterable[str]) -> list[Json]:
    return [{"$ref": _CHANNEL_MESSAGE_REF.format(channel=channel, name=name)} for name in names]


def _references(names: Iterable[str]) -> Json:
    return {name: {"$ref": _MESSAGE_REF.format(name=name)} for name in names}


def _schema(name: str) -> Json:
    return {"$ref": SCHEMA_REF.format(name=name)}


def _reply_name(request: type[Struct]) -> str:
    return f"ReplyTo{request.__name__}"


def _tag(frame: type[Struct]) -> str:
    return str(frame.__struct_config__.tag)


def _close_codes() -> str:
    codes = (f"{code.value} {code.label}{' (reconnect)' if code.may_reconnect else ''}" for code in CloseCode)
    return ", ".join(codes)
