"""The database bounds every stored array and every collection that grows."""

from collections.abc import Iterator
from typing import Any

import pytest

from grome.infrastructure.mongo.client import CollectionSpec
from grome.migrations import m0005_bounds

# The words that a search finds a document by follow from its bounded texts.
DERIVED = {("barbers", "words"), ("services", "words")}
# Kept as long as what they are about, of which there is one for each, or a limited number for each person.
KEPT_FOR_GOOD = {
    *("users", "barbers", "ratings", "services", "bookings", "reviews", "audit", "relay", "reminder_marks"),
    *("favourites", "webhook_endpoints", "calendars", "calendars_told", "promos", "promo_uses"),
}
# Those that are done are removed; what is open is bounded by the index that is named.
REMOVED_WHEN_DONE = {"jobs", "reports"}


def arrays(schema: dict[str, Any], path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    if schema.get("bsonType") == "array":
        yield path, schema
        yield from arrays(schema["items"], (*path, "[]"))
    for name, inner in schema.get("properties", {}).items():
        yield from arrays(inner, (*path, name))
    for inner in schema.get("anyOf", []):
        yield from arrays(inner, path)


@pytest.mark.parametrize("spec", m0005_bounds.COLLECTIONS, ids=lambda spec: spec.name)
def test_every_stored_array_has_a_maximum_length_in_the_validator(spec: CollectionSpec) -> None:
    found = arrays(spec.validator["$jsonSchema"], (spec.name,))
    assert [path for path, schema in found if "maxItems" not in schema and path[:2] not in DERIVED] == []


@pytest.mark.parametrize("spec", m0005_bounds.COLLECTIONS, ids=lambda spec: spec.name)
def test_every_growing_collection_has_an_expiry_index(spec: CollectionSpec) -> None:
    expiring = [index.document for index in spec.indexes if "expireAfterSeconds" in index.document]
    assert bool(expiring) is (spec.name not in KEPT_FOR_GOOD), spec.name
    if spec.name not in REMOVED_WHEN_DONE:
        assert all("partialFilterExpression" not in index for index in expiring)
