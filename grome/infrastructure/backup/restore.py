"""Restore a backup into an empty database, and prove that it was restored."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, cast

from bson.raw_bson import RawBSONDocument

from grome.common.clock import Clock
from grome.infrastructure.backup.archive_file import Block
from grome.infrastructure.backup.backup_folder import Backup, end_of
from grome.infrastructure.backup.digests import CollectionDigest
from grome.infrastructure.backup.dump import RESTORE_MARKER
from grome.infrastructure.backup.errors import BackupError
from grome.infrastructure.backup.file_copies import restore_files
from grome.infrastructure.backup.replay import Indexes, Replay
from grome.infrastructure.mongo.client import Database, Document, split_batch, without_deadline
from grome.infrastructure.storage.protocol import Storage

_BATCH: Final = 1_000
_SCAN_BATCH: Final = 2_000

ReportDocuments = Callable[[int], None]


@dataclass(slots=True)
class Restored:
    """Counts restored documents, files and replayed writes. `last` is the time of the last replayed write."""

    documents: int = 0
    writes: int = 0
    files: int = 0
    last: datetime | None = None
    indexes: Indexes = field(default_factory=dict)


async def require_no_unfinished_restore(database: Database) -> None:
    """Raises BackupError if an earlier restore into the database was cut off."""
    if marker := await database[RESTORE_MARKER].find_one():
        raise BackupError(
            f"The database {database.name!r} holds a restore that began at {marker['began_at']:%Y-%m-%d %H:%M:%S} UTC"
            " and did not finish. Repeat it by `grome restore FOLDER --again`, which drops this database first."
        )


async def drop_unfinished_restore(database: Database) -> None:
    """Drop the database if an earlier restore into it was cut off."""
    if await database[RESTORE_MARKER].find_one():
        await database.client.drop_database(database.name)


class Restore:
    """Restores into an empty database, which is marked as unfinished until the end.

    Stored files are left out without a storage.
    """

    def __init__(
        self, database: Database, storage: Storage | None, backup: Backup, clock: Clock, report: ReportDocuments
    ) -> None:
        self._database, self._storage, self._backup = database, storage, backup
        self._clock, self._report = clock, report

    async def run(self, to: datetime | None) -> Restored:
        """Load and verify the dump, replay the writes up to `to`, or all, build the indexes, and store the files.

        Raises BackupError if the database is not empty, the backup has nothing of that time, or a digest differs.
        """
        await require_no_unfinished_restore(self._database)
        if await self._database.list_collection_names():
            raise BackupError(f"The database {self._database.name!r} is not empty. Restore into an empty database.")
        self._require_covered(to)
        marker = self._database[RESTORE_MARKER]
        await marker.insert_one({"began_at": self._clock()})
        restored = Restored()
        with without_deadline():
            await self._load(restored)
            await self._verify()
            await self._replay(restored, to)
            await self._build_indexes(restored.indexes)
            if self._storage:
                for file in self._backup.files:
                    restored.files += await restore_files(self._storage, file)
        await marker.drop()
        return restored

    def _require_covered(self, to: datetime | None) -> None:
        start = end_of(self._backup.dump).as_datetime()
        if to and to < start:
            raise BackupError(f"The backup begins at {start:%Y-%m-%d %H:%M:%S} UTC, which is after the asked time.")
        end = end_of(self._backup.files[-1]).as_datetime()
        if to and to.replace(microsecond=0) > end:
            raise BackupError(f"The backup ends at {end:%Y-%m-%d %H:%M:%S} UTC, which is before the asked time.")

    async def _load(self, restored: Restored) -> None:
        blocks = self._backup.dump.blocks()
        while block := await asyncio.to_thread(next, blocks, None):
            name = block.about.get("name", "")
            if block.about["block"] == "collection":
                await self._database.command({"create": name, **block.about["options"]})
                restored.indexes[name] = {index["name"]: index for index in block.about["indexes"]}
            elif block.about["block"] == "documents":
                restored.documents += await self._insert(name, block)

    async def _insert(self, name: str, block: Block) -> int:
        collection = self._database[name]
        count = 0
        for part in _parts(split_batch(block.body), _BATCH):
            documents = [cast("Document", RawBSONDocument(raw)) for raw in part]
            await collection.insert_many(documents, ordered=False, bypass_document_validation=True)
            count += len(documents)
            self._report(len(documents))
        return count

    async def _verify(self) -> None:
        for name, expected in self._backup.dump.summary()["collections"].items():
            digest = CollectionDigest()
            async for batch in self._database[name].find_raw_batches(batch_size=_SCAN_BATCH):
                for document in split_batch(cast("bytes", batch)):
                    digest.add(document)
            if (digest.count, digest.hex()) != (expected["count"], expected["digest"]):
                raise BackupError(
                    f"The collection {name} has {digest.count} documents after the restore, and the backup"
                    f" {expected['count']}; or their contents differ. Does another program write into the database?"
                )

    async def _replay(self, restored: Restored, to: datetime | None) -> None:
        replay = Replay(self._database, self._backup.dump.header.database, restored.indexes, to)
        for segment in self._backup.segments:
            blocks = segment.blocks()
            while not replay.is_past and (block := await asyncio.to_thread(next, blocks, None)):
                if block.about["block"] == "oplog":
                    await replay.apply(block.body)
        restored.writes, restored.last = replay.applied, replay.last

    async def _build_indexes(self, indexes: Indexes) -> None:
        for name, specs in indexes.items():
            if wanted := [spec for spec in specs.values() if spec["name"] != "_id_"]:
                await self._database.command({"createIndexes": name, "indexes": wanted})


def _parts(documents: Iterable[bytes], size: int) -> Iterator[list[bytes]]:
    part: list[bytes] = []
    for document in documents:
        part.append(document)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part
