"""Make backups: a dump, and additions to it."""

import asyncio
import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from grome.infrastructure.backup.archive_file import ArchiveWriter
from grome.infrastructure.backup.backup_folder import DUMP, end_of, next_segment, open_backup, stored_files
from grome.infrastructure.backup.dump import ReportDocuments, dump_database
from grome.infrastructure.backup.errors import BackupError, FolderBusyError
from grome.infrastructure.backup.file_copies import copy_files
from grome.infrastructure.backup.oplog import write_segment
from grome.infrastructure.mongo.client import Client, Database, without_deadline
from grome.infrastructure.storage.protocol import Storage


@dataclass(frozen=True, slots=True)
class Written:
    """Counts the documents of a dump, or the writes of an addition. `until` is the moment of the newest write."""

    count: int
    files: int
    until: datetime
    size: int


class BackupMaker:
    """Makes backups encrypted with `key`, if there is one. Stored files are left out without a storage."""

    def __init__(self, client: Client, database: Database, storage: Storage | None, key: bytes | None) -> None:
        self._client, self._database, self._storage, self._key = client, database, storage, key

    async def dump(self, folder: Path, report: ReportDocuments) -> Written:
        """Write a dump into an empty folder. Raises BackupError."""
        await asyncio.to_thread(_prepare, folder)
        with (
            _locked(folder),
            without_deadline(),
            ArchiveWriter(folder / DUMP, "dump", self._database.name, self._key) as archive,
        ):
            at, found = await dump_database(self._client, self._database, archive, report)
            files = await copy_files(self._storage, archive, ()) if self._storage else []
            size = archive.finish({"until": at, "collections": found, "files": files})
        return Written(sum(each["count"] for each in found.values()), len(files), at.as_datetime(), size)

    async def add(self, folder: Path) -> Written:
        """Write the writes since the last addition or the dump into a new file. Raises BackupError."""
        with _locked(folder), without_deadline():
            backup = open_backup(folder, self._key)
            if self._key and not backup.dump.header.salt:
                raise BackupError(f"{folder} holds a backup that is not encrypted: leave --key-file out.")
            since = end_of(backup.files[-1])
            path, name = next_segment(folder, backup), self._database.name
            with ArchiveWriter(path, "oplog", name, self._key) as archive:
                until, count = await write_segment(self._client, name, archive, since)
                files = await copy_files(self._storage, archive, stored_files(backup)) if self._storage else []
                size = archive.finish({"since": since, "until": until, "entries": count, "files": files})
        return Written(count, len(files), until.as_datetime(), size)


def _prepare(folder: Path) -> None:
    if (folder / DUMP).exists():
        raise BackupError(f"{folder} holds a backup: --oplog adds to it. Name another folder for a new one.")
    folder.mkdir(parents=True, exist_ok=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other processes from writing into the folder. Raises BackupError if another one writes, or it is missing."""
    try:
        lock = (folder / "lock").open("wb")
    except FileNotFoundError:
        raise BackupError(f"{folder} holds no backup that could be added to.") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FolderBusyError(f"Another `grome backup` writes into {folder}: wait until it has ended.") from None
        yield
