"""Migrations run before the last process of the previous release is gone, which must still be able to write.

`previous_release.txt` lists the fields and enum values of all documents that the previous release writes. Write it anew
when a release is made: `python -m tests.migrations.test_rolling_deploy > tests/migrations/previous_release.txt`.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from grome.migrations.m0005_bounds import COLLECTIONS

Schema = dict[str, Any]
PREVIOUS = frozenset(Path(__file__).with_name("previous_release.txt").read_text().splitlines())
SCHEMAS: dict[str, Schema] = {spec.name: spec.validator["$jsonSchema"] for spec in COLLECTIONS}
OLD_COLLECTIONS = sorted({line.partition(".")[0] for line in PREVIOUS} & SCHEMAS.keys())


def _nested(schema: Schema, path: str) -> Iterator[tuple[Schema, str]]:
    yield from ((inner, f"{path}.{name}") for name, inner in schema.get("properties", {}).items())
    yield from ((inner, path) for inner in schema.get("anyOf", ()))
    if "items" in schema:
        yield schema["items"], f"{path}[]"
    if isinstance(values := schema.get("additionalProperties"), dict):
        yield values, f"{path}.*"


def accepted(schema: Schema, path: str) -> Iterator[str]:
    """A line for each field, and each value of an enum, that the validator accepts."""
    if "properties" not in schema:
        yield from (f"{path}={value}" for value in schema.get("enum", ()))
    for inner, where in _nested(schema, path):
        if where != path:
            yield where
        yield from accepted(inner, where)


def required(schema: Schema, path: str) -> Iterator[str]:
    yield from (f"{path}.{name}" for name in schema.get("required", ()))
    for inner, where in _nested(schema, path):
        yield from required(inner, where)


def _inside_new_object(line: str) -> bool:
    """Whether the previous release writes none of the objects that the field lies in."""
    return line.rpartition(".")[0] not in PREVIOUS and "." in line.rpartition(".")[0]


def test_every_collection_of_the_previous_release_is_compared() -> None:
    assert len(OLD_COLLECTIONS) > 20


@pytest.mark.parametrize("collection", OLD_COLLECTIONS)
def test_validator_accepts_each_field_and_value_of_the_previous_release(collection: str) -> None:
    old = {line for line in PREVIOUS if line.partition(".")[0] == collection}
    assert old - set(accepted(SCHEMAS[collection], collection)) == set()


@pytest.mark.parametrize("collection", OLD_COLLECTIONS)
def test_validator_requires_no_new_field(collection: str) -> None:
    new = set(required(SCHEMAS[collection], collection)) - PREVIOUS
    assert {line for line in new if not _inside_new_object(line)} == set()


def test_new_required_field_is_detected() -> None:
    schema = {"required": ["_id", "new"], "properties": {"_id": {}, "new": {"items": {"required": ["inner"]}}}}
    assert set(required(schema, "bookings")) - PREVIOUS == {"bookings.new", "bookings.new[].inner"}
    assert [_inside_new_object(line) for line in ("bookings.new", "bookings.new[].inner")] == [False, True]


if __name__ == "__main__":
    lines = {line for name, schema in SCHEMAS.items() for line in accepted(schema, name)}
    sys.stdout.write("".join(f"{line}\n" for line in sorted(lines)))
