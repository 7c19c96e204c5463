"""A backfill beside an application that writes: it overwrites nothing and leaves nothing unfilled."""

from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import uuid4

import pytest
from pymongo import MongoClient
from pymongo.collection import Collection as BlockingCollection

from config.settings import Settings
from grome.infrastructure.container import Container
from grome.infrastructure.mongo.client import BackfillError, Collection, Document, backfill


@pytest.fixture
async def people(container: Container) -> AsyncIterator[Collection]:
    collection = container.database[f"people_{uuid4().hex}"]
    yield collection
    await collection.drop()


@pytest.fixture
def application(settings: Settings, people: Collection) -> Iterator[BlockingCollection[Document]]:
    """The same collection through a client that can write while the backfill computes."""
    with MongoClient[Document](settings.mongo.url) as client:
        yield client[settings.mongo.database][people.name]


def filled(old: Document) -> Document:
    return {**old, "words": [old["name"]]}


@pytest.mark.parametrize("versions", [{}, {"version": 1}], ids=["without version", "with version"])
async def test_backfill_of_a_document_changed_meanwhile_uses_its_new_state(
    people: Collection, application: BlockingCollection[Document], versions: dict[str, int]
) -> None:
    await people.insert_many([{"_id": number, "name": "old", **versions} for number in range(3)])
    calls: list[int] = []

    def change_then_fill(old: Document) -> Document:
        calls.append(old["_id"])
        if calls == [0]:
            application.update_one({"_id": 1}, {"$set": {"name": "new"}})
        return filled(old)

    await backfill(people, "words", change_then_fill)
    found = {one["_id"]: (one["name"], one["words"]) async for one in people.find()}
    assert found == {0: ("old", ["old"]), 1: ("new", ["new"]), 2: ("old", ["old"])}
    assert calls == [0, 1, 2, 1]


async def test_backfill_of_a_document_with_a_new_version_reads_it_again(
    people: Collection, application: BlockingCollection[Document]
) -> None:
    """The new value may depend on a field that is not filled."""
    await people.insert_one({"_id": 0, "name": "old", "version": 1})
    names: list[str] = []

    def rename_then_fill(old: Document) -> Document:
        names.append(old["name"])
        if len(names) == 1:
            application.update_one({"_id": 0}, {"$set": {"name": "new", "version": 2}})
        return {"words": [old["name"]]}

    await backfill(people, "words", rename_then_fill)
    assert await people.find_one() == {"_id": 0, "name": "new", "version": 2, "words": ["new"]}


async def test_backfill_of_a_document_filled_meanwhile_keeps_its_value(
    people: Collection, application: BlockingCollection[Document]
) -> None:
    await people.insert_one({"_id": 0, "name": "old"})

    def be_late(old: Document) -> Document:
        application.update_one({"_id": 0}, {"$set": {"words": ["by another"]}})
        return filled(old)

    await backfill(people, "words", be_late)
    assert await people.find_one() == {"_id": 0, "name": "old", "words": ["by another"]}


async def test_backfill_of_a_document_that_changes_in_every_pass_raises(
    people: Collection, application: BlockingCollection[Document]
) -> None:
    await people.insert_one({"_id": 0, "name": "old"})

    def never_in_time(old: Document) -> Document:
        application.update_one({"_id": 0}, {"$set": {"name": uuid4().hex}})
        return filled(old)

    with pytest.raises(BackfillError, match="words"):
        await backfill(people, "words", never_in_time)
    stored: Any = await people.find_one()
    assert "words" not in stored
