"""The fixture `nothing_written` notices every kind of write, and only writes of the test's own database."""

from collections.abc import Awaitable, Callable

import pytest

from grome.common.ids import new_id
from grome.infrastructure.container import Container
from grome.infrastructure.mongo.client import Client, Database
from tests.api.writes import changes_since, log_position

ID = new_id()


async def insert(database: Database) -> None:
    await database["written"].insert_one({"_id": new_id()})


async def update(database: Database) -> None:
    await database["written"].update_one({"_id": ID}, {"$inc": {"count": 1}})


async def upsert(database: Database) -> None:
    await database["written"].update_one({"_id": new_id()}, {"$set": {"count": 1}}, upsert=True)


async def replace(database: Database) -> None:
    await database["written"].find_one_and_replace({"_id": ID}, {"name": str(new_id())})


async def delete(database: Database) -> None:
    await database["written"].delete_one({"_id": ID})


async def insert_in_transaction(database: Database) -> None:
    async with database.client.start_session() as session, await session.start_transaction():
        await database["written"].insert_one({"_id": new_id()}, session=session)


@pytest.fixture
async def document(container: Container) -> None:
    await container.database["written"].replace_one({"_id": ID}, {"count": 0}, upsert=True)


@pytest.mark.usefixtures("document")
@pytest.mark.parametrize("write", [insert, update, upsert, replace, delete, insert_in_transaction])
async def test_change_log_has_each_write(container: Container, write: Callable[[Database], Awaitable[None]]) -> None:
    before = await log_position(container.database)
    await write(container.database)
    assert len(await changes_since(before, container.database)) == 1


@pytest.mark.usefixtures("document")
async def test_change_log_has_no_reads_no_ineffective_updates_and_no_other_database(container: Container) -> None:
    other = container.get(Client)[f"{container.database.name}_other"]
    before = await log_position(container.database)
    await container.database["written"].find_one({"_id": ID})
    await container.database["written"].update_one({"_id": ID}, {"$set": {"count": 0}})
    await container.database["written"].delete_one({"_id": new_id()})
    await insert(other)
    assert await changes_since(before, container.database) == []
