"""A device of a person: it keeps the state of its rooms by REST and events, as an application does."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any, Final

from grome.live_client.client import offset_key
from tests.realtime.faults.rest import Rest
from tests.support.live_clients import DrivenClient

_BOOKING: Final = (
    *("id", "status", "reason", "customer_id", "barber_id", "scheduled_at", "ends_at", "awaits", "answer_by"),
    *("proposal", "late_min", "price", "currency", "payment", "settlement", "version"),
)
_MESSAGE: Final = ("id", "sender_id", "number", "text", "version", "edited_at", "deleted_at")

Fields = dict[str, Any]


@dataclass
class RoomState:
    """Bookings and messages by id, and the numbers up to which each side has received and read messages."""

    bookings: dict[str, Fields] = field(default_factory=dict)
    messages: dict[str, Fields] = field(default_factory=dict)
    marks: dict[tuple[str, str], int] = field(default_factory=dict)

    def apply(self, kind: str, event: Fields) -> None:
        data = event["data"]
        match kind.split("."):
            case ["booking", _] if data:
                known = self.bookings.get(event["subject"], {"version": 0})
                if data["version"] > known["version"]:
                    self.bookings[event["subject"]] = known | {name: data[name] for name in _BOOKING if name in data}
            case ["message", ("delivered" | "read") as mark] if data:
                for reached in {"read": ("delivered", "read")}.get(mark, (mark,)):
                    key = (data["user_id"], reached)
                    self.marks[key] = max(self.marks.get(key, 0), data["number"])
            case ["message", _] if data:
                known = self.messages.get(data["id"], {"version": 0})
                if data["version"] > known["version"]:
                    self.messages[data["id"]] = {name: data[name] for name in _MESSAGE}


@dataclass
class Stretch:
    """The events of a room between two loads of its state, after the versions of the bookings that were loaded."""

    loaded: Mapping[str, int]
    events: list[tuple[str, Fields]] = field(default_factory=list)


async def load_state(rest: Rest, room: str) -> RoomState:
    """Load the state of a room by REST."""
    kind, _, key = room.partition(":")
    if kind != "booking":
        return RoomState({each["id"]: _picked(each, _BOOKING) for each in await rest.get_all("/v1/bookings")})
    booking, chat = await rest.get(f"/v1/bookings/{key}"), await rest.get(f"/v1/bookings/{key}/messages?limit=100")
    you, conversation = rest.user, chat["conversation"]
    other = next(side for side in (booking["customer_id"], booking["barber_id"]) if side != you)
    marks = {
        (user, mark): conversation[side][mark]
        for user, side in ((you, "you"), (other, "other"))
        for mark in ("delivered", "read")
        if conversation[side][mark]
    }
    messages = {each["id"]: _picked(each, _MESSAGE) for each in chat["items"]}
    return RoomState({key: _picked(booking, _BOOKING)}, messages, marks)


class Follower:
    """Reads the items of a client. `figures` counts them."""

    def __init__(self, name: str, rest: Rest, client: DrivenClient, rooms: Iterable[str]) -> None:
        self.name, self._rest, self.client = name, rest, client
        self.states: dict[str, RoomState] = {}
        self.stretches: dict[str, list[Stretch]] = {}
        self.figures: Counter[str] = Counter()
        self.faults: list[str] = []
        client.subscribe(*rooms)

    async def follow(self) -> None:
        """Run until cancelled."""
        while True:
            match await self.client.next_item():
                case "event", room, offset, event:
                    self._apply(room, offset, event)
                case "reload", room:
                    await self._load(room)
                case "recovered" | "connected" as kind, *_:
                    self.figures[kind] += 1
                case "disconnected", code, _:
                    self.figures[f"closed {code}"] += 1
                case "left" | "end" as kind, *told:
                    self.faults.append(f"{self.name}: {kind} {told}")
                    if kind == "end":
                        return

    async def _load(self, room: str) -> None:
        self.figures["reload"] += 1
        state = await load_state(self._rest, room)
        self.states[room] = state
        versions = {key: booking["version"] for key, booking in state.bookings.items()}
        self.stretches.setdefault(room, []).append(Stretch(versions))
        if room == "user":
            self.client.subscribe(*(f"booking:{booking_id}" for booking_id in state.bookings))

    def _apply(self, room: str, offset: str, event: Fields) -> None:
        self.figures["event"] += 1
        self.stretches[room][-1].events.append((offset, event))
        if room.startswith("booking:") or event["type"].startswith("booking."):  # other rooms have no messages to load
            self.states[room].apply(event["type"], event)
        if room == "user" and event["type"].startswith("booking."):
            self.client.subscribe(f"booking:{event['subject']}")

    async def differences(self) -> list[str]:
        """Compare the state of each room with the server's."""
        wanted = {f"booking:{booking['id']}" for booking in await self._rest.get_all("/v1/bookings")}
        found = [f"{self.name}: no state of {room}" for room in wanted - self.states.keys()]
        rooms = list(self.states)  # more can come meanwhile
        fresh = await asyncio.gather(*(load_state(self._rest, room) for room in rooms))
        for room, true in zip(rooms, fresh, strict=True):
            state = self.states[room]
            if state != true:
                found.append(f"{self.name}, {room}: {'; '.join(_differing(asdict(state), asdict(true)))}")
        return found


def find_order_faults(room: str, stretches: list[Stretch], versions: Mapping[str, list[int]]) -> Counter[str]:
    """Count missing, doubled and disordered events of a room.

    `versions` are the versions of each booking's events. Between two loads, a client gets all versions after the loaded
    version up to some version, and after the last load all.
    """
    counts: Counter[str] = Counter()
    for stretch in stretches:
        is_last = stretch is stretches[-1]
        offsets = [offset_key(offset) for offset, _ in stretch.events]
        counts["disordered"] += sum(later <= earlier for earlier, later in pairwise(offsets))
        ids = Counter(event["id"] for _, event in stretch.events)
        counts["doubled"] += ids.total() - len(ids)
        received: dict[tuple[str, ...], list[int]] = {}
        for _, event in stretch.events:
            received.setdefault(_counted_as(event), []).append(event["version"])
        for found in received.values():
            counts["disordered"] += sum(later <= earlier for earlier, later in pairwise(found))
        for key in [room.removeprefix("booking:")] if room.startswith("booking:") else versions:
            got = set(received.get(("booking", key), ()))
            until = max(versions[key]) if is_last else max(got, default=0)
            first = stretch.loaded.get(key, 0)
            counts["missing"] += sum(first < version <= until and version not in got for version in versions[key])
    return counts


def _differing(state: object, true: object, path: str = "") -> Iterator[str]:
    """Yield each differing field."""
    if isinstance(state, dict) and isinstance(true, dict):
        for key in state.keys() | true.keys():
            yield from _differing(state.get(key, "absent"), true.get(key, "absent"), f"{path}.{key}")
    elif state != true:
        yield f"{path} is {state}, not {true}"


def _counted_as(event: Fields) -> tuple[str, ...]:
    """Return the name of the sequence that the version of the event belongs to."""
    kind, data = event["type"], event["data"]
    if kind in {"message.read", "message.delivered"}:
        return kind, event["subject"], data.get("user_id", "")
    if kind.startswith("message."):
        return "message", data.get("id", "")
    return kind.split(".")[0], event["subject"]


def _picked(fields: Fields, names: Iterable[str]) -> Fields:
    return {name: fields[name] for name in names}
