"""Numbered documents: a unique index limits the documents of an owner under concurrent inserts."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from uuid import uuid4

import pytest
from pymongo.errors import DuplicateKeyError

from grome.infrastructure.container import Container
from grome.infrastructure.mongo.client import Collection, Document
from grome.infrastructure.mongo.numbered_documents import insert_with_free_number, lowest_free

LIMIT = 10


@pytest.fixture
async def things(container: Container) -> AsyncIterator[Collection]:
    collection = container.database[f"things_{uuid4().hex}"]
    await collection.create_index([("owner", 1), ("place", 1)], unique=True)
    await collection.create_index("name", unique=True)
    yield collection
    await collection.drop()


async def add(things: Collection, owner: str, name: str | None = None) -> int | None:
    def document(place: int) -> Document:
        return {"owner": owner, "place": place, "name": name or uuid4().hex}

    return await insert_with_free_number(things, document, owner={"owner": owner}, field="place", limit=LIMIT)


async def test_concurrent_inserts_beyond_the_limit_take_each_number_once(things: Collection) -> None:
    taken = await asyncio.gather(*(add(things, "one") for _ in range(3 * LIMIT)), add(things, "other"))
    assert sorted(place for place in taken[:-1] if place is not None) == list(range(LIMIT))
    assert taken[-1] == 0
    assert await things.count_documents({"owner": "one"}) == LIMIT


async def test_released_number_is_taken_next(things: Collection) -> None:
    assert [await add(things, "one") for _ in range(LIMIT + 1)] == [*range(LIMIT), None]
    await things.delete_one({"owner": "one", "place": 4})
    assert await add(things, "one") == 4


async def test_duplicate_key_of_another_index_is_raised(things: Collection) -> None:
    await add(things, "one", "the name")
    with pytest.raises(DuplicateKeyError):
        await add(things, "other", "the name")


@pytest.mark.parametrize(("taken", "free"), [((), 0), ((0, 1, 2), 3), ((2, 0), 1), ((5,), 0)])
def test_lowest_free_number_is_the_first_gap(taken: Iterable[int], free: int) -> None:
    assert lowest_free(taken) == free
