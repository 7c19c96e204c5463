"""Validators from Structs, on the real mongod, accept documents of the Struct and reject others."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from enum import Enum, StrEnum
from typing import Annotated, Any, Literal
from uuid import uuid4

import pytest
from bson import Int64
from msgspec import Meta, Struct, field
from pymongo.errors import WriteError

from grome.infrastructure.container import Container
from grome.infrastructure.mongo.client import Collection, from_document, to_document
from grome.infrastructure.mongo.schema import validator_for

FAILED_VALIDATION = 121


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Level(Enum):
    LOW = 1
    HIGH = 2


class Part(Struct, frozen=True):
    name: Annotated[str, Meta(max_length=3)]
    weight: Annotated[float, Meta(ge=0, le=10)]


class Thing(Struct, frozen=True, kw_only=True):
    id: int = field(name="_id")
    text: str = "x"
    count: Annotated[int, Meta(ge=0, le=2**40)] = 1
    share: float = 0.5
    yes: bool = True
    at: datetime = datetime(2027, 1, 1, tzinfo=UTC)
    raw: bytes = b"\x00"
    colour: Colour = Colour.RED
    level: Level = Level.LOW
    kind: Literal["Point"] = "Point"
    maybe: str | None = None
    where: tuple[float, float] = (13.4, 52.5)
    parts: list[Part]
    more: Annotated[tuple[int, ...], Meta(max_length=2)] = ()
    table: dict[str, Part]


def a_thing(number: int = 0, **changed: Any) -> Thing:
    fields: dict[str, Any] = {"parts": [Part("a", 1.0)], "table": {"de": Part("b", 2.0)}, **changed}
    return Thing(id=number, **fields)


@pytest.fixture
async def things(container: Container) -> AsyncIterator[Collection]:
    name = f"things_{uuid4().hex}"
    await container.database.create_collection(name, validator=validator_for(Thing))
    yield container.database[name]
    await container.database.drop_collection(name)


VARIANTS: list[dict[str, Any]] = [
    {},
    {"maybe": "", "colour": Colour.BLUE, "level": Level.HIGH, "yes": False},
    {"count": 2**40, "share": -1e300, "parts": [], "more": (1, 2), "table": {}},
    {"text": "ü\n\x01🪒" * 100, "raw": b"", "parts": [Part("üüü", 0.0), Part("", 10.0)]},
    {"at": datetime(1, 1, 1, tzinfo=UTC), "where": (-180.0, 90.0)},
]


async def test_validator_accepts_each_written_struct_and_reading_returns_it(things: Collection) -> None:
    for number, changed in enumerate(VARIANTS):
        thing = a_thing(number, **changed)
        await things.insert_one(to_document(thing))
        stored = await things.find_one({"_id": number})
        assert stored is not None
        assert from_document(stored, Thing) == thing


async def test_validator_accepts_a_missing_field_with_a_default(things: Collection) -> None:
    """As in a document that a process of the previous release writes after the migration."""
    thing = a_thing()
    await things.insert_one({"_id": 0, "parts": [{"name": "a", "weight": 1.0}], "table": to_document(thing)["table"]})
    stored = await things.find_one({"_id": 0})
    assert stored is not None
    assert from_document(stored, Thing) == thing


async def test_validator_accepts_whole_numbers_for_floats(things: Collection) -> None:
    await things.insert_one({**to_document(a_thing()), "share": 5, "where": [13, 52]})
    stored = await things.find_one({"_id": 0})
    assert stored is not None
    assert from_document(stored, Thing).share == 5.0


WRONG: list[dict[str, Any]] = [
    {"unknown": 1},
    {"text": 1},
    {"text": None},
    {"count": -1},
    {"count": Int64(2**40 + 1)},
    {"count": 1.5},
    {"count": "1"},
    {"count": True},
    {"share": "0.5"},
    {"yes": 1},
    {"at": "2027-01-01T00:00:00Z"},
    {"raw": "\x00"},
    {"colour": "green"},
    {"level": 3},
    {"kind": "Polygon"},
    {"maybe": 0},
    {"where": [13.4]},
    {"where": [13.4, 52.5, 34.0]},
    {"where": ["13.4", "52.5"]},
    {"parts": {}},
    {"parts": [{"name": "a"}]},
    {"parts": [{"name": "abcd", "weight": 1.0}]},
    {"parts": [{"name": "a", "weight": 10.5}]},
    {"parts": [{"name": "a", "weight": 1.0, "colour": "red"}]},
    {"more": [1, 2, 3]},
    {"more": [1.5]},
    {"table": {"de": {"name": "b"}}},
    {"table": {"de": 1}},
    {"table": []},
]


CHANGES: list[dict[str, Any]] = [
    {"$set": {"count": "1"}},
    {"$unset": {"parts": ""}},
    {"$push": {"parts": {}}},
    {"$set": {"table.en": 1}},
]


async def test_validator_refuses_inserts_and_updates_that_break_the_struct(things: Collection) -> None:
    sound = to_document(a_thing())
    lacking = [{name: value for name, value in sound.items() if name != left_out} for left_out in ("parts", "table")]
    changed = [{**sound, **wrong} for wrong in WRONG]
    for document in (*lacking, *changed):
        with pytest.raises(WriteError) as refused:
            await things.insert_one(document)
        assert refused.value.code == FAILED_VALIDATION
    assert await things.count_documents({}) == 0
    await things.insert_one(sound)
    for change in CHANGES:
        with pytest.raises(WriteError):
            await things.update_one({"_id": 0}, change)
