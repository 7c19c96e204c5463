"""Stored documents that the code cannot read, as a bug or a later release may leave them."""

from copy import deepcopy
from typing import Any

from grome.common.ids import new_id
from grome.infrastructure.mongo.client import Database, Document


async def store_unreadable(database: Database, collection: str, like: Document, **fields: Any) -> Document:
    """A copy of a stored document under an id of its own and with these fields, past the validator."""
    document = {**deepcopy(like), "_id": new_id(), **fields}
    await database[collection].insert_one(document, bypass_document_validation=True)
    return document
