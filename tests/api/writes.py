"""Reads from the server's own log of changes whether a test has changed anything that is stored."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bson import Timestamp

from grome.infrastructure.mongo.client import Database


async def log_position(database: Database) -> Timestamp:
    """Return the time of the last change that the server has applied."""
    position: Timestamp = (await database.command("ping"))["operationTime"]
    return position


async def changes_since(position: Timestamp, database: Database) -> list[dict[str, Any]]:
    """Return the oplog entries of one database after `position`.

    Every insert, update and delete of a document makes an entry, also within a transaction (`applyOps`) and where the
    result is discarded. An update that changes nothing makes none.
    """
    namespace = {"$regex": f"^{re.escape(database.name)}\\."}
    wanted = {"ts": {"$gt": position}, "$or": [{"ns": namespace}, {"o.applyOps.ns": namespace}]}
    return await database.client["local"]["oplog.rs"].find(wanted).to_list()


@asynccontextmanager
async def without_expiry(database: Database) -> AsyncIterator[None]:
    """Stop the deletion of expired documents, which the server does once a minute and logs like any other."""
    await database.client.admin.command("setParameter", 1, ttlMonitorEnabled=False)
    try:
        yield
    finally:
        await database.client.admin.command("setParameter", 1, ttlMonitorEnabled=True)
