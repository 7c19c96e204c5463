"""Store second factors in MongoDB."""

from collections.abc import AsyncIterator, Callable
from typing import Final
from uuid import UUID

from pymongo import IndexModel
from pymongo.errors import DuplicateKeyError

from grome.common.errors import Unavailable
from grome.factors.errors import PasskeyNotAdded
from grome.factors.models import MAX_EVENTS, FactorEvent, FactorSet
from grome.infrastructure.mongo.client import CollectionSpec, Database, Document, from_document, to_document
from grome.infrastructure.mongo.schema import validator_for

COLLECTION: Final = CollectionSpec(
    "factors",
    validator_for(FactorSet),
    [
        # Partial: accounts without a passkey would all have the same key.
        IndexModel(
            "passkeys.credential_id",
            name="credential",
            unique=True,
            partialFilterExpression={"passkeys.credential_id": {"$type": "binData"}},
        )
    ],
)
# Attempts of an update that conflicts with concurrent updates; more conflicts in a row are a fault.
_ATTEMPTS: Final = 8

FactorChange = tuple[FactorSet, list[FactorEvent]]


class FactorRepository:
    def __init__(self, database: Database) -> None:
        self._factors = database[COLLECTION.name]

    async def find(self, user_id: UUID) -> FactorSet | None:
        document = await self._factors.find_one({"_id": user_id})
        return from_document(document, FactorSet) if document else None

    async def find_by_credential(self, credential_id: bytes) -> FactorSet | None:
        document = await self._factors.find_one({"passkeys.credential_id": credential_id})
        return from_document(document, FactorSet) if document else None

    async def iter_with_app(self) -> AsyncIterator[FactorSet]:
        """Yield the factors of accounts with an authenticator app."""
        async for document in self._factors.find({"totp": {"$type": "object"}}):
            yield from_document(document, FactorSet)

    async def update(self, user_id: UUID, change: Callable[[FactorSet], FactorChange]) -> FactorSet:
        """Store the changed factors with the events of the change, and return them.

        `change` gets the factors as stored, and is called again if another process changed them meanwhile. It raises
        the errors of the change. Raises PasskeyNotAdded if another account has a new passkey.
        """
        for _ in range(_ATTEMPTS):
            stored = await self.find(user_id)
            changed, events = change(stored or FactorSet(user_id=user_id))
            if await (self._replace(stored, changed, events) if stored else self._insert(changed, events)):
                return changed
        raise Unavailable("The factors keep changing; try again.")

    async def remove(self, user_id: UUID) -> None:
        await self._factors.delete_one({"_id": user_id})

    async def _insert(self, factors: FactorSet, events: list[FactorEvent]) -> bool:
        document = to_document(factors)
        document["outbox"] = [to_document(event) for event in events]
        try:
            await self._factors.insert_one(document)
        except DuplicateKeyError as error:
            _refuse_foreign_passkey(error)
            return False
        return True

    async def _replace(self, stored: FactorSet, changed: FactorSet, events: list[FactorEvent]) -> bool:
        fields = to_document(changed)
        for fixed in ("_id", "outbox"):
            del fields[fixed]
        fields["version"] = stored.version + 1
        update: Document = {"$set": fields}
        if events:
            update["$push"] = {"outbox": {"$each": [to_document(event) for event in events], "$slice": -MAX_EVENTS}}
        try:
            result = await self._factors.update_one({"_id": stored.user_id, "version": stored.version}, update)
        except DuplicateKeyError as error:
            _refuse_foreign_passkey(error)
            raise
        return result.matched_count == 1


def _refuse_foreign_passkey(error: DuplicateKeyError) -> None:
    if "_id" not in (error.details or {}).get("keyPattern", {}):
        raise PasskeyNotAdded from None
