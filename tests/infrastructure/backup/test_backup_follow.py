"""Additions to a backup go on after faults, and end when MongoDB has dropped writes in between."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from bson import Timestamp
from pymongo.errors import AutoReconnect

from grome.common.errors import Unavailable
from grome.infrastructure.backup.archive_file import ArchiveWriter
from grome.infrastructure.backup.backup_folder import DUMP, open_backup
from grome.infrastructure.backup.errors import BackupError, FolderBusyError
from grome.infrastructure.backup.follow import Follower
from grome.infrastructure.backup.maker import BackupMaker, Written
from grome.infrastructure.container import Container
from grome.infrastructure.mongo.client import Client

ADDED = Written(count=1, files=0, until=datetime(2026, 12, 1, tzinfo=UTC), size=100)


async def test_following_waits_longer_after_each_fault_and_ends_with_a_backup_error() -> None:
    outcomes: list[Written | Exception] = [AutoReconnect(), ADDED, *(Unavailable() for _ in range(9)), ADDED]
    outcomes += [FolderBusyError(), BackupError("A new full backup is needed.")]
    left = iter(outcomes)

    async def add() -> Written:
        if isinstance(outcome := next(left), Exception):
            raise outcome
        return outcome

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    pauses: list[float] = []
    added: list[Written] = []
    waits: list[float] = []
    with pytest.raises(BackupError):
        await Follower(add, 30, added.append, lambda _, wait_s: waits.append(wait_s), pause).run()
    assert waits == [1, 1, 2, 4, 8, 16, 32, 60, 60, 60, 1]
    assert pauses == [*waits[:1], 30, *waits[1:10], 30, *waits[10:]]
    assert added == [ADDED, ADDED]


async def test_addition_is_refused_if_the_oplog_begins_after_the_backup(container: Container, tmp_path: Path) -> None:
    with ArchiveWriter(tmp_path / DUMP, "dump", container.database.name, None) as archive:
        archive.finish({"until": Timestamp(1, 1), "collections": {}, "files": []})
    maker = BackupMaker(container.get(Client), container.database, None, None)
    with pytest.raises(BackupError, match="new full backup in another folder is needed"):
        await maker.add(tmp_path)
    assert open_backup(tmp_path, None).segments == []
