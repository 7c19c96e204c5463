"""Copies of documents have other ids, which are consistent within a copy."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from benchmarks.scale.clones import Cloner, copies
from grome.common.ids import new_id

AT = datetime(2026, 12, 1, 9, tzinfo=UTC)
SPAN = timedelta(minutes=10)


def test_ids_in_fields_and_texts_of_one_copy_stay_equal() -> None:
    event, person = new_id(), uuid4()
    cloner = Cloner(3, SPAN, 100)
    copy = cloner.copy({"_id": f"{event}:webhook:{person}", "people": [person], "event": {"id": event}})
    assert copy["_id"] == f"{copy['event']['id']}:webhook:{copy['people'][0]}"
    assert (copy["event"]["id"], copy["people"][0]) != (event, person)


def test_copies_have_unique_ids_addresses_tokens_and_numbers() -> None:
    originals = [
        {
            "_id": new_id(),
            "email": f"a-{number}@example.com",
            "ref": f"ch_{number:016}",
            "key": b"12345678",
            "seq": number,
        }
        for number in range(20)
    ]
    found = list(copies(originals, 5, SPAN))
    for field in ("_id", "email", "ref", "seq"):
        assert len({copy[field] for copy in found}) == 100, field
    assert all(copy["email"].endswith("@example.com") and copy["ref"].startswith("ch_") for copy in found)


def test_later_copies_have_later_times_and_ids_that_sort_after() -> None:
    original = {"_id": new_id(), "at": AT, "ticks": [7, -1], "is_active": True}
    first, second = copies([original], 2, SPAN)
    assert (first["at"], second["at"]) == (AT, AT + SPAN)
    assert isinstance(second["_id"], UUID)
    assert second["_id"].version == original["_id"].version
    assert second["_id"] > first["_id"]
    assert (second["ticks"], second["is_active"]) == ([7, -1], True)


def test_document_with_a_fixed_id_is_copied_once() -> None:
    assert [copy["total"] for copy in copies([{"_id": "held|EUR", "total": 5}], 3, SPAN)] == [5]
