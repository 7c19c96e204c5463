"""Write the entries of MongoDB's oplog that follow a dump."""

import asyncio
import re
from typing import Final, cast

from bson import Timestamp
from pymongo.errors import OperationFailure
from pymongo.read_concern import ReadConcern

from grome.infrastructure.backup.archive_file import ArchiveWriter
from grome.infrastructure.backup.errors import BackupError
from grome.infrastructure.mongo.client import Client, Collection, Document

_CAPPED_POSITION_LOST: Final = 136
_ROLLED_OVER: Final = (
    "MongoDB's oplog no longer reaches back to the end of this backup, which can still be restored up to there. A new"
    " full backup in another folder is needed. Add to it more often, or raise the oplog's size."
)


async def write_segment(
    client: Client, database_name: str, archive: ArchiveWriter, since: Timestamp
) -> tuple[Timestamp, int]:
    """Write all entries after `since` that a majority of the servers has; return the last time and their number.

    Raises BackupError if MongoDB has dropped entries that belong between.
    """
    oplog = _oplog(client)
    await _require_reach(oplog, since)
    newest = await oplog.find().sort("$natural", -1).limit(1).next()
    until: Timestamp = newest["ts"]
    count = 0
    if until > since:
        ours = [{"ns": re.compile(f"^{re.escape(database_name)}\\.")}, {"ns": "admin.$cmd", "op": "c"}]
        query: Document = {"ts": {"$gt": since, "$lte": until}, "$or": ours}
        try:
            async for each in oplog.find_raw_batches(query):
                batch = cast("bytes", each)
                await asyncio.to_thread(archive.write, {"block": "oplog"}, batch)
                count += _count(batch)
        except OperationFailure as error:
            if error.code == _CAPPED_POSITION_LOST:
                raise BackupError(_ROLLED_OVER) from error
            raise
    await _require_reach(oplog, since)  # the oplog may have been cut meanwhile
    return max(since, until), count


async def _require_reach(oplog: Collection, since: Timestamp) -> None:
    oldest = await oplog.find().sort("$natural", 1).limit(1).next()
    if oldest["ts"] > since:
        raise BackupError(_ROLLED_OVER)


def _oplog(client: Client) -> Collection:
    return client.get_database("local").get_collection("oplog.rs", read_concern=ReadConcern("majority"))


def _count(batch: bytes) -> int:
    start = count = 0
    while start < len(batch):
        start += int.from_bytes(batch[start : start + 4], "little")
        count += 1
    return count
