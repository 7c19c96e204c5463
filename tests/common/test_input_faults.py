"""Faults of an input: all of them, at their paths, in plain words; exactly those fields that are wrong."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Struct, field

from grome.common.errors import Invalid
from grome.common.field_faults import FAULT, MAX_FAULTS
from grome.common.input_faults import convert_input, find_faults
from grome.common.input_shapes import Shape
from grome.common.text import NAME, NOTE

_TIME = "is not a time (RFC 3339), such as 2026-12-01T08:00:00Z"


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Inner(Struct, frozen=True, forbid_unknown_fields=True):
    size: Annotated[int, Meta(ge=1, le=5)] = 1
    code: Annotated[str, Meta(pattern="^[A-Z]+$", max_length=3, extra={FAULT: "is not capital letters"})] = "A"


class Cat(Struct, tag_field="kind", tag="cat", forbid_unknown_fields=True):
    lives: int


class Dog(Struct, tag_field="kind", tag="dog", forbid_unknown_fields=True):
    name: str


class Span(Struct):
    first: int = 0
    last: int = 0

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError("must end after it begins")


class Outer(Struct, forbid_unknown_fields=True):
    name: Annotated[str, Meta(max_length=5, min_length=2), NAME]
    note: Annotated[str, Meta(max_length=5), NOTE] = ""
    inner: Inner | None = None
    parts: Annotated[list[Inner], Meta(min_length=1, max_length=2)] | None = None
    table: dict[Annotated[str, Meta(max_length=2)], Inner] = {}
    id: UUID | None = None
    at: Annotated[datetime, Meta(tz=True)] | None = None
    on: date | None = None
    colour: Colour = Colour.RED
    hours: Literal[24, 2] = 24
    weight: Annotated[float, Meta(gt=0, lt=10)] = 1
    step: Annotated[int, Meta(multiple_of=5)] = 5
    is_on: bool = True
    pet: Cat | Dog | None = None
    either: int | str | None = None
    span: Span | None = None
    renamed: int = field(default=0, name="from")


# The fields added to {"name": "xy"}, the path and the message.
CASES: list[tuple[dict[str, Any], str, str]] = [
    ({"name": 1}, "name", "is not text"),
    ({"name": None}, "name", "must not be null"),
    ({"name": ""}, "name", "is empty"),
    ({"name": "x"}, "name", "is shorter than 2 characters"),
    ({"name": "abcdef"}, "name", "is longer than 5 characters"),
    ({"name": "a\nb"}, "name", "has a control character or a line break"),
    ({"name": "\u200b\u200b"}, "name", "has no visible character"),
    ({"name": " x "}, "name", "is shorter than 2 characters"),
    ({"note": "\x00"}, "note", "has a control character"),
    ({"extra": 1}, "extra", "is not a known field"),
    ({"colur": 1}, "colur", "is not a known field; did you mean colour?"),
    ({"isOn": 1}, "isOn", "is not a known field; did you mean is_on?"),
    ({"x" * 100: 1}, "x" * 60 + "…", "is not a known field"),
    ({"": 1}, '""', "is not a known field"),
    ({"inner": []}, "inner", "is not an object"),
    ({"inner": {"size": 0}}, "inner.size", "is less than 1"),
    ({"inner": {"size": 6}}, "inner.size", "is more than 5"),
    ({"inner": {"size": 1.5}}, "inner.size", "is not a whole number"),
    ({"inner": {"size": True}}, "inner.size", "is not a whole number"),
    ({"inner": {"code": "a"}}, "inner.code", "is not capital letters"),
    ({"inner": {"code": "AAAA"}}, "inner.code", "is longer than 3 characters"),
    ({"inner": {"colour": "red"}}, "inner.colour", "is not a known field"),
    ({"parts": [{}, {"size": "1"}]}, "parts[1].size", "is not a whole number"),
    ({"parts": [{}, {"weight": 1}]}, "parts[1].weight", "is not a known field"),
    ({"parts": [{}, {}, {}]}, "parts", "has more than 2 items"),
    ({"parts": []}, "parts", "is empty"),
    ({"parts": {}}, "parts", "is not a list"),
    ({"table": {"de": {"size": 9}}}, "table.de.size", "is more than 5"),
    ({"table": {"long": {}}}, "table.long", "is longer than 2 characters"),
    ({"id": "x"}, "id", "is not an id (UUID)"),
    ({"id": 1}, "id", "is not an id (UUID)"),
    ({"at": "tomorrow"}, "at", _TIME),
    ({"at": 1}, "at", _TIME),
    ({"at": "2027-02-30T00:00:00Z"}, "at", _TIME),
    (
        {"at": "2027-01-01T00:00:00"},
        "at",
        "has no time zone; write the time as 2026-12-01T08:00:00Z or 2026-12-01T09:00:00+01:00",
    ),
    ({"on": "2027-02-30"}, "on", "is not a date, such as 2026-12-01"),
    ({"colour": "green"}, "colour", "is not one of: red, blue"),
    ({"colour": 1}, "colour", "is not one of: red, blue"),
    ({"hours": 3}, "hours", "is not one of: 2, 24"),
    ({"weight": 0}, "weight", "is not more than 0"),
    ({"weight": 10}, "weight", "is not less than 10"),
    ({"weight": "1"}, "weight", "is not a number"),
    ({"step": 7}, "step", "is not a multiple of 5"),
    ({"is_on": 1}, "is_on", "is not true or false"),
    ({"pet": {"lives": 9}}, "pet.kind", "is required"),
    ({"pet": {"kind": "cow"}}, "pet.kind", "is not one of: cat, dog"),
    ({"pet": {"kind": ["cat"]}}, "pet.kind", "is not one of: cat, dog"),
    ({"pet": {"kind": "cat", "lives": "9"}}, "pet.lives", "is not a whole number"),
    ({"pet": {"kind": "dog"}}, "pet.name", "is required"),
    ({"either": []}, "either", "is not a whole number or text"),
    ({"span": {"first": 2, "last": 1}}, "span", "must end after it begins"),
    ({"from": "x"}, "from", "is not a whole number"),
    ({"renamed": 1}, "renamed", "is not a known field"),
]
_SHAPE = Shape.of(Outer)


@pytest.mark.parametrize(("changed", "path", "message"), CASES)
def test_wrong_field_is_found_with_its_path_and_plain_words(changed: dict[str, Any], path: str, message: str) -> None:
    assert find_faults({"name": "xy", **changed}, _SHAPE) == [(path, message)]


@pytest.mark.parametrize("value", [[], None, "x", 1, True])
def test_input_of_another_type_is_reported_as_the_body(value: object) -> None:
    message = "must not be null" if value is None else "is not an object"
    assert find_faults(value, _SHAPE) == [("body", message)]


# Values that are right and wrong in each field, each wrong value with the path of its fault.
_FIELDS: dict[str, tuple[list[Any], list[tuple[Any, str]]]] = {
    "name": (["xy", "Jürg"], [(1, ""), ("", ""), ("abcdef", "")]),
    "note": (["", "a\nb"], [([], ""), ("abcdef", ""), ("\x00", "")]),
    "inner": ([None, {}, {"size": 2}], [(1, ""), ({"size": 9}, ".size"), ({"code": "a"}, ".code")]),
    "parts": ([None, [{}]], [([{}, {"size": 0}], "[1].size"), ([], ""), ([{"z": 0}], "[0].z"), ([3], "[0]")]),
    "table": ([{}, {"de": {}}], [({"deutsch": {}}, ".deutsch"), ({"de": {"size": []}}, ".de.size")]),
    "id": ([None], [("x", ""), ([], "")]),
    "at": (["2027-01-01T00:00:00Z"], [("2027-01-01", ""), ({}, "")]),
    "colour": (["red"], [("green", ""), (None, "")]),
    "pet": ([{"kind": "cat", "lives": 9}], [({"kind": "cat"}, ".lives"), ({}, ".kind")]),
    "from": ([0], [("0", "")]),
}
_one_field = {
    name: st.one_of(
        st.sampled_from(right).map(lambda value: (value, None)),
        st.sampled_from(wrong),
    )
    for name, (right, wrong) in _FIELDS.items()
}
_inputs = st.fixed_dictionaries({}, optional=_one_field).flatmap(
    lambda fields: st.permutations(list(fields)).map(lambda order: {name: fields[name] for name in order})
)


@given(_inputs)
def test_faults_of_a_generated_input_are_exactly_the_fields_that_are_wrong(fields: dict[str, Any]) -> None:
    found = find_faults({name: value for name, (value, _) in fields.items()}, _SHAPE)
    expected = [f"{name}{path}" for name, (_, path) in fields.items() if path is not None]
    assert [path for path, _ in found] == expected + ([] if "name" in fields else ["name"])


def test_search_ends_after_more_faults_than_are_named() -> None:
    deep = {"name": "xy", "table": {f"{number:03}": {"size": 0} for number in range(10_000)}}
    assert len(find_faults(deep, _SHAPE)) == MAX_FAULTS + 1


def test_items_beyond_the_greatest_number_are_not_searched() -> None:
    assert find_faults({"name": "xy", "parts": [{}] * 2 + [1] * 1_000}, _SHAPE) == [("parts", "has more than 2 items")]


def test_convert_input_returns_texts_in_normal_form_or_raises_all_faults() -> None:
    assert convert_input({"name": " xy "}, Outer) == Outer("xy")
    with pytest.raises(Invalid) as refused:
        convert_input({"name": "\x00\x01", "step": 1}, Outer)
    assert [path for path, _ in refused.value.faults] == ["name", "step"]
