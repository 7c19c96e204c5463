"""msgspec's messages become the path and the fault of a field: an example for each kind."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest
from msgspec import Meta, Struct, field

from grome.common.errors import Invalid
from grome.infrastructure.http.decoding import decode_part, field_fault_of


class Colour(StrEnum):
    RED = "red"


class Inner(Struct, frozen=True, forbid_unknown_fields=True):
    size: Annotated[int, Meta(ge=1, le=5)] = 1
    code: Annotated[str, Meta(pattern="^[A-Z]+$", max_length=3)] = "A"


class Outer(Struct, forbid_unknown_fields=True):
    name: str
    inner: Inner = Inner()
    parts: Annotated[list[Inner], Meta(max_length=2)] = []
    table: dict[Annotated[str, Meta(max_length=2)], Inner] = {}
    id: UUID | None = None
    at: Annotated[datetime, Meta(tz=True)] | None = None
    on: date | None = None
    colour: Colour = Colour.RED
    kind: Literal["a", "b"] = "a"
    pair: tuple[int, int] = (0, 0)
    step: Annotated[int, Meta(multiple_of=5)] = 5
    renamed: int = field(default=0, name="from")


# The fields added to {"name": "x"}, the expected path, and words of the message.
CASES: list[tuple[dict[str, Any], str, str]] = [
    ({"name": 1}, "name", "Expected `str`, got `int`"),
    ({"name": None}, "name", "Expected `str`, got `null`"),
    ({"extra": 1}, "extra", "is not a known field"),
    ({"inner": []}, "inner", "Expected `object`, got `array`"),
    ({"inner": {"size": 0}}, "inner.size", "Expected `int` >= 1"),
    ({"inner": {"size": 6}}, "inner.size", "Expected `int` <= 5"),
    ({"inner": {"size": 1.5}}, "inner.size", "Expected `int`, got `float`"),
    ({"inner": {"code": "a"}}, "inner.code", "matching regex"),
    ({"inner": {"code": "AAAA"}}, "inner.code", "length <= 3"),
    ({"inner": {"colour": "red"}}, "inner.colour", "is not a known field"),
    ({"parts": [{}, {"size": "1"}]}, "parts[1].size", "Expected `int`, got `str`"),
    ({"parts": [{}, {"weight": 1}]}, "parts[1].weight", "is not a known field"),
    ({"parts": [{}, {}, {}]}, "parts", "length <= 2"),
    ({"parts": {}}, "parts", "Expected `array`, got `object`"),
    ({"id": "x"}, "id", "Invalid UUID"),
    ({"at": "tomorrow"}, "at", "Invalid RFC3339"),
    ({"at": "2027-01-01T00:00:00"}, "at", "timezone component"),
    ({"on": "2027-02-30"}, "on", "Invalid RFC3339 encoded date"),
    ({"colour": "blue"}, "colour", "Invalid enum value 'blue'"),
    ({"kind": "c"}, "kind", "Invalid enum value 'c'"),
    ({"pair": [1]}, "pair", "length 2"),
    ({"pair": [1, "2"]}, "pair[1]", "Expected `int`, got `str`"),
    ({"step": 7}, "step", "multiple of 5"),
    ({"from": "x"}, "from", "Expected `int`, got `str`"),
    ({"renamed": 1}, "renamed", "is not a known field"),
]


def fault(given: object) -> tuple[str, str]:
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.json.decode(msgspec.json.encode(given), type=Outer)
    return field_fault_of(refused.value)


@pytest.mark.parametrize(("changed", "path", "message"), CASES)
def test_invalid_field_is_reported_with_its_path_and_message(changed: dict[str, Any], path: str, message: str) -> None:
    named, told = fault({"name": "x", **changed})
    assert named == path
    assert message in told
    assert "- at" not in told


def test_missing_field_at_any_depth_is_reported_with_its_path() -> None:
    class Tree(Struct):
        root: Outer
        leaves: list[Outer] = []

    for given, path in (
        ({}, "root"),
        ({"root": {}}, "root.name"),
        ({"root": {"name": ""}, "leaves": [{}]}, "leaves[0].name"),
    ):
        with pytest.raises(msgspec.ValidationError) as refused:
            msgspec.convert(given, Tree)
        assert field_fault_of(refused.value) == (path, "is required")


@pytest.mark.parametrize(("given", "kind"), [([], "array"), (None, "null"), ("x", "str"), (1, "int")])
def test_body_of_another_json_type_is_reported_as_body(given: object, kind: str) -> None:
    assert fault(given) == ("body", f"Expected `object`, got `{kind}`")


def test_invalid_value_in_a_dict_is_reported_with_the_path_of_the_dict() -> None:
    assert fault({"name": "x", "table": {"de": {"size": 9}}})[0].startswith("table")
    assert fault({"name": "x", "table": {"long": {}}})[0].startswith("table")


@pytest.mark.parametrize(
    "text", ["", "x", "1", "0190a0a0-0000-7000-8000-00000000000", "{0190a0a0-0000-7000-8000-000000000000}"]
)
def test_malformed_id_is_reported_with_its_name(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        decode_part("booking_id", text, UUID)
    assert refused.value.faults == (("booking_id", "is not an id (UUID)"),)
