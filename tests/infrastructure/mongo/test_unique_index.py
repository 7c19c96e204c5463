"""Unique indexes on collections with duplicates, to which an older release adds more."""

from uuid import uuid4

import pytest
from pymongo import IndexModel
from pymongo.errors import DuplicateKeyError

from grome.infrastructure.container import Container
from grome.infrastructure.mongo.unique_index import build_unique_index

INDEX = IndexModel("owner", name="owner", unique=True, partialFilterExpression={"open": True})


async def test_index_built_while_duplicates_are_inserted_becomes_unique(container: Container) -> None:
    things = container.database[f"things_{uuid4().hex}"]
    await things.insert_many([{"owner": owner, "open": True} for owner in (1, 1, 2)])

    async def remove_one() -> None:
        await things.delete_one({"owner": 1})
        with pytest.raises(DuplicateKeyError):
            await things.insert_one({"owner": 2, "open": True})

    async def remove_none() -> None:
        pass

    await build_unique_index(things, INDEX, remove_one)
    await build_unique_index(things, INDEX, remove_none)
    await things.create_indexes([INDEX])
    assert (await things.index_information())["owner"]["unique"]
    await things.insert_one({"owner": 2, "open": False})
    await things.drop()


async def test_index_on_a_missing_collection_is_built(container: Container) -> None:
    things = container.database[f"things_{uuid4().hex}"]

    async def remove_none() -> None:
        pass

    await build_unique_index(things, INDEX, remove_none)
    assert (await things.index_information())["owner"]["unique"]
    await things.drop()
