"""Declare the personal data of collections field by field, and export and erase it by the declarations."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from pymongo import UpdateOne

from grome.common.actor import SIGNED_IN, Role
from grome.infrastructure.mongo.client import Collection, CollectionSpec, Database, Document
from grome.infrastructure.personal_data import Exported, ExportedRecord, KeptData, OpenMatter, Person

_BATCH: Final = 200
# More than this many open matters need no exact number.
_MAX_COUNTED: Final = 1_000


class Fate(StrEnum):
    """The fate of a person's documents when the account is deleted."""

    ERASED = "erased"
    ANONYMISED = "anonymised"
    KEPT = "kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """The documents of a collection that belong to a person: the field `owner` has the person's id.

    An export contains the fields `exported`. Anonymising sets the fields `cleared` to their values and removes the
    fields `removed`. In the items of arrays, `cleared_items` sets fields to values, also of documents that are kept.
    `reason` explains to the person why the documents stay. Documents that match `open_if` forbid the deletion, as a
    matter of the kind `open_kind`. Only people of the `roles` have such documents.
    """

    owner: str
    fate: Fate
    exported: tuple[str, ...] = ()
    cleared: Mapping[str, Any] = field(default_factory=dict)
    removed: tuple[str, ...] = ()
    cleared_items: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    reason: str = ""
    open_if: Mapping[str, Any] | None = None
    open_kind: str = ""
    roles: frozenset[Role] = SIGNED_IN


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalCollection:
    """Declares a collection with personal data.

    `internal` are the fields that no export contains: technical values, secrets, and the data of other people. If
    `handled_apart` is true, code of the feature exports and erases the documents, and the shares only describe it.
    """

    spec: CollectionSpec
    shares: tuple[Share, ...]
    internal: frozenset[str] = frozenset()
    handled_apart: bool = False


@dataclass(frozen=True, slots=True)
class UnownedCollection:
    """Declares a collection that exports and deletions leave alone.

    `reason` says why it has no personal data, or when its data is deleted in any case.
    """

    spec: CollectionSpec
    reason: str


Declared = PersonalCollection | UnownedCollection


class PersonalDocuments:
    """The personal data of one collection, treated as declared."""

    def __init__(self, database: Database, declared: PersonalCollection) -> None:
        self._documents, self._declared = database[declared.spec.name], declared

    @property
    def name(self) -> str:
        return self._declared.spec.name

    async def export(self, person: Person) -> AsyncIterator[Exported]:
        for share in self._shares(person.role):
            if not share.exported:
                continue
            fields = dict.fromkeys(share.exported, 1) | ({} if "_id" in share.exported else {"_id": 0})
            async for document in self._documents.find({share.owner: person.id}, fields, batch_size=_BATCH):
                yield ExportedRecord(self.name, _named(document))

    async def find_open(self, person: Person) -> Sequence[OpenMatter]:
        found = []
        for share in self._shares(person.role):
            if share.open_if is not None:
                wanted = {**share.open_if, share.owner: person.id}
                if count := await self._documents.count_documents(wanted, limit=_MAX_COUNTED):
                    found.append(OpenMatter(share.open_kind, count))
        return found

    async def erase(self, person: Person) -> None:
        for share in self._shares(person.role):
            owned = {share.owner: person.id}
            if share.fate is Fate.ERASED:
                await self._documents.delete_many(owned)
            elif share.fate is Fate.ANONYMISED:
                await self._documents.update_many(owned, _anonymising(share))
            for array, values in share.cleared_items.items():
                await clear_items(self._documents, owned, array, values)

    def kept(self, role: Role) -> KeptData | None:
        return kept_of(self._declared, role)

    def _shares(self, role: Role) -> list[Share]:
        return [share for share in self._declared.shares if role in share.roles]


def kept_of(declared: PersonalCollection, role: Role) -> KeptData | None:
    """Return the data in a collection that stays after a deletion, or None if nothing stays."""
    reasons = [share.reason for share in declared.shares if role in share.roles and share.fate is not Fate.ERASED]
    return KeptData(declared.spec.name, " ".join(dict.fromkeys(reasons))) if reasons else None


async def clear_items(collection: Collection, wanted: Document, array: str, values: Mapping[str, Any]) -> None:
    """Set fields of all items of an array, in all wanted documents.

    Each item is named by its position: the server reports such a change by the path of the field. It reports a change
    by `$[]` as a new item, which would be a new event of an outbox.
    """
    found = collection.find(wanted, {"count": {"$size": {"$ifNull": [f"${array}", []]}}}, batch_size=_BATCH)
    batch: list[UpdateOne] = []
    async for document in found:
        if fields := {f"{array}.{n}.{name}": value for n in range(document["count"]) for name, value in values.items()}:
            batch.append(UpdateOne({"_id": document["_id"]}, {"$set": fields}))
        if len(batch) == _BATCH:
            await collection.bulk_write(batch, ordered=False)
            batch = []
    if batch:
        await collection.bulk_write(batch, ordered=False)


def _anonymising(share: Share) -> Document:
    update: Document = {}
    if share.cleared:
        update["$set"] = dict(share.cleared)
    if share.removed:
        update["$unset"] = dict.fromkeys(share.removed, "")
    return update


def _named(document: Document) -> Document:
    """Call the field `_id` by the name that clients know."""
    return {"id" if name == "_id" else name: value for name, value in document.items()}
