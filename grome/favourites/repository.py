"""Store favourites in MongoDB."""

from uuid import UUID

from msgspec import Struct, structs
from pymongo import IndexModel
from pymongo.errors import DuplicateKeyError

from grome.favourites.models import MAX_FAVOURITES, Favourite
from grome.infrastructure.mongo.client import CollectionSpec, Database, Document, from_document, to_document
from grome.infrastructure.mongo.numbered_documents import insert_with_free_number
from grome.infrastructure.mongo.schema import validator_for

COLLECTION = CollectionSpec(
    "favourites",
    validator_for(Favourite),
    [
        IndexModel([("customer_id", 1), ("barber_id", 1)], name="pair", unique=True),
        # Bounds the favourites of a customer.
        IndexModel([("customer_id", 1), ("slot", 1)], name="slot", unique=True),
        IndexModel([("customer_id", 1), ("_id", -1)], name="newest"),
    ],
)


class AfterFavourite(Struct, frozen=True, forbid_unknown_fields=True):
    """Marks the end of a page. Unknown fields are rejected, as a cursor of another list has them."""

    id: UUID


class FavouriteRepository:
    def __init__(self, database: Database) -> None:
        self._favourites = database[COLLECTION.name]

    async def add(self, favourite: Favourite) -> bool:
        """Store a favourite in a free slot, unless it exists; return False if no slot is free."""
        pair = {"customer_id": favourite.customer_id, "barber_id": favourite.barber_id}
        try:
            slot = await insert_with_free_number(
                self._favourites,
                lambda slot: to_document(structs.replace(favourite, slot=slot)),
                owner={"customer_id": favourite.customer_id},
                field="slot",
                limit=MAX_FAVOURITES,
            )
        except DuplicateKeyError:
            return True
        return slot is not None or await self._favourites.find_one(pair, {"_id": 1}) is not None

    async def remove(self, customer_id: UUID, barber_id: UUID) -> bool:
        """Return whether the favourite existed."""
        gone = await self._favourites.delete_one({"customer_id": customer_id, "barber_id": barber_id})
        return gone.deleted_count == 1

    async def page(self, customer_id: UUID, after: AfterFavourite | None, limit: int) -> list[Favourite]:
        """List the newest favourites first; ids grow with time."""
        wanted: Document = {"customer_id": customer_id}
        if after:
            wanted["_id"] = {"$lt": after.id}
        found = self._favourites.find(wanted).sort("_id", -1).limit(limit)
        return [from_document(document, Favourite) async for document in found]
