"""A backup that is made under concurrent writes is restored into a fresh server and compared with the source."""

import asyncio
import fcntl
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import msgspec
import pytest
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import DuplicateKeyError

from config.settings import Settings
from grome.cli.bootstrap import opened_container
from grome.cli.preparation import require_servers
from grome.common.clock import system_clock
from grome.common.errors import Unavailable
from grome.infrastructure.backup.backup_folder import open_backup
from grome.infrastructure.backup.dump import RESTORE_MARKER, describe_collections
from grome.infrastructure.backup.errors import BackupError
from grome.infrastructure.backup.follow import Follower
from grome.infrastructure.backup.maker import BackupMaker, Written
from grome.infrastructure.backup.restore import Restore, Restored, drop_unfinished_restore
from grome.infrastructure.container import Container
from grome.infrastructure.mongo.client import Client, Database, Document
from grome.infrastructure.storage.protocol import Storage
from tests.support.app import with_database
from tests.support.eventually import until
from tests.support.servers import StoppableServer, own_mongod

KEY = bytes(range(32))


@pytest.fixture(scope="module")
def fresh_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoppableServer]:
    home = tmp_path_factory.mktemp("fresh")
    (home / "log").mkdir()
    with own_mongod(home) as server:
        yield server


@pytest.fixture
async def source(settings: Settings, tmp_path: Path) -> AsyncIterator[Container]:
    """A database with 3,000 documents and a stored file."""
    own = msgspec.structs.replace(with_database(settings, uuid4().hex[:12]), home=str(tmp_path / "source"))
    async with opened_container(own) as container:
        await container.database["things"].create_index("name", unique=True)
        await container.database["things"].create_index("ends_at", expireAfterSeconds=0)
        await container.database["things"].insert_many([thing(number) for number in range(3_000)])
        await container.get(Storage).put_public("photos/first.jpg", b"first", "image/jpeg")
        yield container
        await container.get(Client).drop_database(container.database.name)


@pytest.fixture
async def target(settings: Settings, fresh_server: StoppableServer, tmp_path: Path) -> AsyncIterator[Container]:
    mongo = msgspec.structs.replace(settings.mongo, url=fresh_server.url, database=f"restored_{uuid4().hex[:8]}")
    async with opened_container(
        msgspec.structs.replace(settings, mongo=mongo, home=str(tmp_path / "target"))
    ) as container:
        yield container


def thing(number: int) -> Document:
    """A document that expires long after the test: MongoDB removes expired ones at any time, in both databases."""
    ends = datetime(2090, 1, 1, tzinfo=UTC)
    return {"_id": number, "name": f"thing {number}", "ends_at": ends if number % 2 else None, "list": [1, 2, 3]}


def maker(source: Container, key: bytes | None = None) -> BackupMaker:
    return BackupMaker(source.get(Client), source.database, source.get(Storage), key)


async def restore(target: Container, folder: Path, to: datetime | None = None, key: bytes | None = None) -> Restored:
    storage, backup = target.get(Storage), open_backup(folder, key)
    return await Restore(target.database, storage, backup, system_clock, lambda _: None).run(to)


async def content(database: Database) -> dict[str, list[Document]]:
    return {
        name: await database[name].find().sort("_id", 1).to_list() for name in await database.list_collection_names()
    }


async def write_changes(source: Container, number: int) -> None:
    """Write in each way that the application writes, a transaction and a new collection among them."""
    things = source.database["things"]
    await things.update_one({"_id": number}, {"$set": {"list.1": 9, "new": {"a": number}}, "$unset": {"ends_at": 1}})
    await things.replace_one({"_id": number + 1}, {"name": f"replaced {number}"})
    await things.delete_one({"_id": number + 2})
    await things.update_one({"_id": -1 - number}, {"$push": {"list": number}, "$set": {"name": -number}}, upsert=True)
    async with source.get(Client).start_session() as session, await session.start_transaction():
        await things.insert_one({"_id": f"t{number}", "name": f"t{number}"}, session=session)
        await source.database["others"].insert_one({"_id": number}, session=session)


async def test_dump_under_concurrent_writes_and_additions_restore_the_source(
    source: Container, target: Container, tmp_path: Path
) -> None:
    folder, stopped = tmp_path / "backup", asyncio.Event()
    await source.database.create_collection("others")

    async def write() -> int:
        number = 0
        while not stopped.is_set():
            await write_changes(source, number := number + 10)
        return number

    writer = asyncio.create_task(write())
    try:
        written = await maker(source).dump(folder, lambda _: None)
    finally:
        stopped.set()
        assert await writer >= 10
    await source.database["others"].create_index("late")
    await source.database.command({"collMod": "others", "validator": {"_id": {"$exists": True}}})
    await source.database["renamed"].insert_one({"_id": 1})
    await source.database["renamed"].rename("final")
    await source.get(Storage).put_public("photos/second.jpg", b"second", "image/jpeg")
    assert (await maker(source).add(folder)).files == 1
    await write_changes(source, 2_900)
    await maker(source).add(folder)

    restored = await restore(target, folder)

    assert restored.documents == written.count >= 2_900  # the writer also deletes, as often as the dump lets it
    assert restored.writes > 10
    assert await content(target.database) == await content(source.database)
    assert await describe_collections(target.database) == await describe_collections(source.database)
    with pytest.raises(DuplicateKeyError):
        await target.database["things"].insert_one({"_id": "again", "name": "thing 2000"})
    assert restored.files == 2
    async with target.get(Storage).open("photos/second.jpg") as file:
        assert b"".join([chunk async for chunk in file.chunks]) == b"second"


async def test_restore_to_a_moment_has_the_write_before_it_and_not_the_write_after_it(
    source: Container, target: Container, tmp_path: Path
) -> None:
    folder, things = tmp_path / "backup", source.database["things"]
    await maker(source).dump(folder, lambda _: None)
    await things.insert_one({"_id": "before", "name": "before"})
    before = datetime.now(UTC)
    moment = before + timedelta(milliseconds=20)
    await until(lambda: datetime.now(UTC) > moment)
    await things.insert_one({"_id": "after", "name": "after"})
    await maker(source).add(folder)

    with pytest.raises(BackupError, match="begins at"):
        await restore(target, folder, datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(BackupError, match="ends at"):
        await restore(target, folder, datetime(2090, 1, 1, tzinfo=UTC))
    await restore(target, folder, before + timedelta(milliseconds=10))

    found = await target.database["things"].distinct("_id", {"name": {"$in": ["before", "after"]}})
    assert found == ["before"]
    with pytest.raises(BackupError, match="is not empty"):
        await restore(target, folder)


async def test_restore_that_was_cut_off_is_not_served_and_is_repeated_from_the_start(
    source: Container, target: Container, tmp_path: Path
) -> None:
    folder = tmp_path / "backup"
    await maker(source).dump(folder, lambda _: None)

    def cut_off(_: int) -> None:
        raise ConnectionAbortedError

    with pytest.raises(ConnectionAbortedError):
        await Restore(target.database, None, open_backup(folder, None), system_clock, cut_off).run(None)

    with pytest.raises(BackupError, match="--again"):
        await require_servers(target)
    with pytest.raises(BackupError, match="--again"):
        await restore(target, folder)
    await drop_unfinished_restore(target.database)
    await restore(target, folder)
    assert RESTORE_MARKER not in await target.database.list_collection_names()
    await require_servers(target)
    await drop_unfinished_restore(target.database)  # leaves a complete one
    assert await content(target.database) == await content(source.database)


async def test_transaction_of_several_oplog_entries_is_restored_whole(
    source: Container, target: Container, tmp_path: Path
) -> None:
    """MongoDB splits a transaction into entries of at most 16 MB each."""
    folder, others = tmp_path / "backup", await source.database.create_collection("others")
    await maker(source).dump(folder, lambda _: None)
    large = [{"_id": number, "text": "x" * 3_500_000} for number in range(5)]

    async def insert(session: AsyncClientSession) -> None:
        for document in large:
            await others.insert_one(document, session=session)

    async with source.get(Client).start_session() as session:
        await session.with_transaction(insert)
    await maker(source).add(folder)
    (segment,) = open_backup(folder, None).segments
    assert segment.summary()["entries"] > 1

    assert (await restore(target, folder)).writes == len(large)
    assert await content(target.database) == await content(source.database)


async def test_restore_that_was_cut_off_among_the_files_is_not_served(
    source: Container, target: Container, tmp_path: Path
) -> None:
    folder = tmp_path / "backup"
    await maker(source).dump(folder, lambda _: None)
    (tmp_path / "target").mkdir(exist_ok=True)
    (tmp_path / "target" / "files").write_text("a file where the storage wants a folder")
    with pytest.raises(Unavailable):
        await restore(target, folder)
    with pytest.raises(BackupError, match="--again"):
        await require_servers(target)


async def test_addition_while_another_process_adds_is_refused(source: Container, tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    await maker(source).dump(folder, lambda _: None)
    with (folder / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(BackupError, match="Another `grome backup`"):
            await maker(source).add(folder)
    await maker(source).add(folder)
    with pytest.raises(BackupError, match="no backup"):
        await maker(source).add(tmp_path / "elsewhere")


async def test_encrypted_backup_is_read_with_its_key_only(source: Container, target: Container, tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    await maker(source, KEY).dump(folder, lambda _: None)
    await maker(source, KEY).add(folder)
    assert b"thing" not in (folder / "dump.grome").read_bytes()
    with pytest.raises(BackupError, match="is encrypted"):
        open_backup(folder, None)
    with pytest.raises(BackupError, match="cannot be decrypted"):
        open_backup(folder, bytes(32))
    await restore(target, folder, key=KEY)
    assert await content(target.database) == await content(source.database)


async def test_following_goes_on_after_the_server_was_killed(
    fresh_server: StoppableServer, target: Container, tmp_path: Path
) -> None:
    """The server is killed after the first addition, and started again after the first fault.

    The follower's client gives a dead server up after a second; each of these times is a fault of the follower.
    """
    folder, things = tmp_path / "backup", target.database["things"]
    await things.insert_one({"_id": 1})
    await BackupMaker(target.get(Client), target.database, None, None).dump(folder, lambda _: None)
    url = f"{fresh_server.url}&serverSelectionTimeoutMS=1000"
    mongo = msgspec.structs.replace(target.settings.mongo, url=url)
    killed, restarted = asyncio.Event(), asyncio.Event()
    faults: list[Exception] = []

    async def add() -> Written:
        additions = len(open_backup(folder, None).segments)
        if additions == 2:
            raise BackupError("This test ends here.")
        if additions == 1 and not killed.is_set():
            await asyncio.to_thread(fresh_server.kill)
            killed.set()
        return await maker(impatient).add(folder)

    async def pause(_: float) -> None:
        if killed.is_set() and not restarted.is_set():
            await asyncio.to_thread(fresh_server.start)
            await things.update_one({"_id": 2}, {"$set": {"name": "after the kill"}}, upsert=True)
            restarted.set()

    async with opened_container(msgspec.structs.replace(target.settings, mongo=mongo)) as impatient:
        with pytest.raises(BackupError, match="ends here"):
            await Follower(add, 60, lambda _: None, lambda fault, _: faults.append(fault), pause).run()

    assert faults
    restored = target.get(Client).get_database(f"{target.database.name}_again")
    await Restore(restored, None, open_backup(folder, None), system_clock, lambda _: None).run(None)
    assert await restored["things"].distinct("_id") == [1, 2]


async def test_dump_into_a_folder_with_a_backup_is_refused(source: Container, tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    await maker(source).dump(folder, lambda _: None)
    with pytest.raises(BackupError, match="holds a backup"):
        await maker(source).dump(folder, lambda _: None)
    assert not list(folder.glob("*.part"))
