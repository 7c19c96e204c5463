"""Dump all collections as they were at one cluster time, while the application writes on."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Final, cast

from bson import Timestamp
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import OperationFailure

from grome.infrastructure.backup.archive_file import ArchiveWriter
from grome.infrastructure.backup.digests import CollectionDigest
from grome.infrastructure.backup.errors import BackupError
from grome.infrastructure.mongo.client import Client, Database, Document

# Holds the state of an unfinished restore.
RESTORE_MARKER: Final = "unfinished_restore"
_BATCH: Final = 2_000
_BLOCK_BYTES: Final = 4 << 20
_SNAPSHOT_TOO_OLD: Final = 239
_SNAPSHOT_UNAVAILABLE: Final = 246
_RAW: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)

ReportDocuments = Callable[[int], None]


async def dump_database(
    client: Client, database: Database, archive: ArchiveWriter, report: ReportDocuments
) -> tuple[Timestamp, dict[str, Document]]:
    """Return the cluster time of the dump, and the number and digest of each collection's documents.

    Raises BackupError if the server no longer has the documents of that time, or collections changed meanwhile.
    """
    if not (described := await describe_collections(database)):
        raise BackupError(f"The database {database.name!r} is empty.")
    async with client.start_session(causal_consistency=False) as session:
        try:
            at = await _cluster_time(database, session, next(iter(described)))
            found: dict[str, Document] = {}
            for name, options in described.items():
                await asyncio.to_thread(archive.write, {"block": "collection", "name": name, **options})
                digest = CollectionDigest()
                async for batch in _read(database, session, name, at):
                    documents = [bytes(document.raw) for document in batch]
                    await asyncio.to_thread(_write_documents, archive, name, documents, digest)
                    report(len(documents))
                found[name] = {"count": digest.count, "digest": digest.hex()}
        except OperationFailure as error:
            raise _explained(error) from error
    if await describe_collections(database) != described:
        raise BackupError("Collections or indexes changed during the dump. Run it again when the migration is done.")
    return at, found


async def describe_collections(database: Database) -> dict[str, Document]:
    """Return the options and indexes of each collection by its name."""
    found: dict[str, Document] = {}
    async for collection in await database.list_collections():
        name = collection["name"]
        if name.startswith("system.") or name == RESTORE_MARKER:
            continue
        if collection["type"] != "collection":
            raise BackupError(f"{name} is a {collection['type']}, which Grome does not make: drop it first.")
        indexes = [dict(index) async for index in await database[name].list_indexes()]
        found[name] = {"options": collection["options"], "indexes": indexes}
    return dict(sorted(found.items()))


async def _cluster_time(database: Database, session: AsyncClientSession, collection: str) -> Timestamp:
    """Return a time that a majority of the servers has reached."""
    answer = await database.command(
        {"find": collection, "limit": 1, "singleBatch": True, "readConcern": {"level": "snapshot"}}, session=session
    )
    at: Timestamp = answer["cursor"]["atClusterTime"]
    return at


async def _read(
    database: Database, session: AsyncClientSession, name: str, at: Timestamp
) -> AsyncGenerator[list[RawBSONDocument]]:
    command: Document = {
        "find": name,
        "batchSize": _BATCH,
        "noCursorTimeout": True,
        "readConcern": {"level": "snapshot", "atClusterTime": at},
    }
    cursor = (await database.command(command, codec_options=_RAW, session=session))["cursor"]
    yield cursor["firstBatch"]
    while cursor["id"]:
        more = {"getMore": cursor["id"], "collection": name, "batchSize": _BATCH}
        cursor = (await database.command(more, codec_options=_RAW, session=session))["cursor"]
        yield cursor["nextBatch"]


def _write_documents(archive: ArchiveWriter, name: str, documents: list[bytes], digest: CollectionDigest) -> None:
    """Write blocks of a few megabytes. Runs in a thread."""
    body = bytearray()
    for document in documents:
        digest.add(document)
        body += document
        if len(body) >= _BLOCK_BYTES:
            archive.write({"block": "documents", "name": name}, bytes(body))
            body.clear()
    if body:
        archive.write({"block": "documents", "name": name}, bytes(body))


def _explained(error: OperationFailure) -> Exception:
    if error.code == _SNAPSHOT_TOO_OLD:
        return BackupError(
            "The dump took longer than MongoDB keeps old versions of documents. Raise the parameter"
            " minSnapshotHistoryWindowInSeconds (300 by default) for the time of the dump, or copy the volume instead."
        )
    if error.code == _SNAPSHOT_UNAVAILABLE:
        return BackupError("An index or a collection was made during the dump. Run it again when that is done.")
    return cast("Exception", error)
