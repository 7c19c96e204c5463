"""Store the catalogue in MongoDB."""

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from msgspec import Struct
from pymongo import IndexModel
from pymongo.errors import DuplicateKeyError

from grome.catalogue.errors import ServiceExists
from grome.catalogue.models import Service, ServiceWords, StoredService
from grome.common.search_words import findable_words, sort_key
from grome.infrastructure.mongo.client import (
    CollectionSpec,
    Database,
    Document,
    backfill,
    from_document,
    insert_missing,
    to_document,
)
from grome.infrastructure.mongo.prefix_search import Place, WordSearch, renew_words
from grome.infrastructure.mongo.schema import validator_for

_SOURCES: Final = ("name", "category", "description", "translations")
_WORD_FIELDS: Final = tuple(f"words.{name}" for name in ServiceWords.__struct_fields__)
COLLECTION = CollectionSpec(
    "services",
    validator_for(StoredService),
    [
        IndexModel("name", name="name", unique=True),
        IndexModel("name_key", name="name_key"),
        IndexModel([("category", 1), ("name_key", 1)], name="category_name_key"),
        *(IndexModel(field, name=field.replace(".", "_")) for field in _WORD_FIELDS),
    ],
)


class AfterName(Struct, frozen=True):
    """Marks the end of a page of the list by name; names are unique."""

    name: str


class ByName(Place, frozen=True):
    """Marks the end of a page of search results."""

    name_key: str


# Documents added by a process of the previous release have no key.
_NAME_KEY: Final = {"$ifNull": ["$name_key", ""]}


class ServiceRepository:
    def __init__(self, database: Database) -> None:
        self._services = database[COLLECTION.name]

    async def add(self, service: Service) -> None:
        try:
            await self._services.insert_one(document_of(service))
        except DuplicateKeyError:
            raise ServiceExists(faults=(("name", "is already in the catalogue"),)) from None

    async def add_many(self, services: Sequence[Service]) -> int:
        """Add the services with a free id and name and skip the rest; return the number of added services."""
        return await insert_missing(self._services, [document_of(service) for service in services])

    async def find(self, service_id: UUID) -> Service | None:
        document = await self._services.find_one({"_id": service_id})
        return from_document(document, Service) if document else None

    async def find_many(self, ids: Collection[UUID]) -> dict[UUID, Service]:
        found = self._services.find({"_id": {"$in": list(ids)}})
        return {document["_id"]: from_document(document, Service) async for document in found}

    async def list_by_name(self, category: str | None, after: AfterName | None, limit: int) -> list[Service]:
        """List services by name, ignoring case and accents; otherwise equal names are sorted by exact spelling."""
        wanted: Document = {"category": category} if category else {}
        if after:
            wanted["name_key"] = {"$gt": _name_key(after.name)}
        found = await self._list_sorted(wanted, limit)
        if found and "name_key" not in found[0]:  # added by a process of the previous release
            await self.backfill_name_keys()
            found = await self._list_sorted(wanted, limit)
        return [from_document(document, Service) for document in found]

    async def _list_sorted(self, wanted: Document, limit: int) -> list[Document]:
        return await self._services.find(wanted).sort("name_key", 1).limit(limit).to_list()

    async def search(
        self, words: list[str], category: str | None, after: ByName | None, limit: int
    ) -> list[tuple[Service, Place]]:
        """List the best matches with their positions; equal matches are sorted by name."""
        where = {"category": category} if category else {}
        search = WordSearch(words=words, fields=_WORD_FIELDS, place=ByName, where=where, computed=_NAME_KEY)
        found = await search.best(self._services, after, limit)
        return [(from_document(document, Service), place) for document, place in found]

    async def backfill_words(self) -> None:
        """Add the search words to documents from before the search existed."""
        await backfill(self._services, "words", lambda old: document_of(from_document(old, Service)))

    async def renew_words(self) -> None:
        await renew_words(self._services, _SOURCES, _words)

    async def backfill_name_keys(self) -> None:
        """Add the sort key to documents without it."""
        await backfill(self._services, "name_key", lambda old: {"name_key": _name_key(old["name"])})


def document_of(service: Service) -> Document:
    """Build the stored document of a service."""
    stored = to_document(service)
    return {**stored, "words": _words(stored), "name_key": _name_key(service.name)}


def _words(stored: Document) -> Document:
    translations = stored["translations"].values()
    words = ServiceWords(
        findable_words(stored["name"], *(translation["name"] for translation in translations)),
        findable_words(stored["category"]),
        findable_words(stored["description"], *(translation["description"] for translation in translations)),
    )
    return to_document(words)


def _name_key(name: str) -> str:
    """Return a sort key that is unique for each name."""
    return f"{sort_key(name)}\n{name}"
