"""Store one-time codes in MongoDB. Single guarded writes decide about tries and use."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from pymongo import IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError

from grome.codes.models import MAX_TRIES, RESEND_AFTER, OneTimeCode
from grome.infrastructure.mongo.client import CollectionSpec, Database, from_document, to_document
from grome.infrastructure.mongo.schema import validator_for

COLLECTION: Final = CollectionSpec(
    "codes",
    validator_for(OneTimeCode),
    [
        IndexModel("code_id", name="code", unique=True),
        IndexModel("user_id", name="user"),
        IndexModel("expires_at", name="expiry", expireAfterSeconds=0),
    ],
)


class CodeRepository:
    def __init__(self, database: Database) -> None:
        self._codes = database[COLLECTION.name]

    async def put(self, code: OneTimeCode) -> bool:
        """Store a code in its slot, in place of the code before.

        Returns False if the slot has a usable code for the same address that was requested a moment ago.
        """
        replaceable = [
            {"created_at": {"$lte": code.created_at - RESEND_AFTER}},
            {"address": {"$ne": code.address}},
            {"user_id": {"$ne": code.user_id}},
            {"used_at": {"$ne": None}},
            {"tries": {"$gte": MAX_TRIES}},
        ]
        try:
            await self._codes.replace_one({"_id": code.id, "$or": replaceable}, to_document(code), upsert=True)
        except DuplicateKeyError:
            return False
        return True

    async def count_try(self, slot: str, now: datetime) -> OneTimeCode | None:
        """Count a try. Returns None if the slot has no code, or its code was used, has expired or has no try left."""
        document = await self._codes.find_one_and_update(
            {**_usable(slot, now), "tries": {"$lt": MAX_TRIES}},
            {"$inc": {"tries": 1}},
            return_document=ReturnDocument.AFTER,
        )
        return from_document(document, OneTimeCode) if document else None

    async def use(self, code: OneTimeCode, now: datetime) -> bool:
        """Mark the code as used. Returns False if another request used it, or another code has replaced it."""
        unused = {**_usable(code.id, now), "code_id": code.code_id}
        return (await self._codes.update_one(unused, {"$set": {"used_at": now}})).matched_count == 1

    async def find_usable(self, code_id: UUID, now: datetime) -> OneTimeCode | None:
        unused = {"code_id": code_id, "used_at": None, "expires_at": {"$gt": now}}
        document = await self._codes.find_one(unused)
        return from_document(document, OneTimeCode) if document else None


def _usable(slot: str, now: datetime) -> dict[str, Any]:
    """TTL deletion lags by a minute or more, so the query checks the expiry too."""
    return {"_id": slot, "used_at": None, "expires_at": {"$gt": now}}
