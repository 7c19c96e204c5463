"""Search by stored words: the beginning of a word matches, and the rank of the field orders the matches.

A text index of MongoDB finds whole words only, and cannot stand beside a search by position.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from grome.infrastructure.mongo.client import Collection, Document


async def renew_words(collection: Collection, sources: Sequence[str], words_of: Callable[[Document], Document]) -> None:
    """Store the search words of each document again, if `words_of` returns other words than the stored ones.

    `sources` are the fields that `words_of` reads. A document is read again if its sources change meanwhile.
    """
    fields = [*sources, "words"]
    async for read in collection.find({}, fields):
        old: Document | None = read
        while old is not None and (new := words_of(old)) != old.get("words"):
            written = await collection.update_one(
                {name: old.get(name) for name in ("_id", *fields)}, {"$set": {"words": new}}
            )
            old = None if written.matched_count else await collection.find_one({"_id": old["_id"]}, fields)


class Place(Struct, frozen=True):
    """The position of a match: by rank, then by the one field that a subclass adds, then by id.

    Rank 0 is the best match. Each searched field has two ranks, and the better rank is for whole words. A match has the
    rank of its worst word.
    """

    rank: Annotated[int, Meta(ge=0)]
    id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class WordSearch:
    """Documents in which all `words`, in their plain form, are found, and for which `where` holds.

    `fields` hold lists of words and come from the most telling to the least. Equals are sorted by the field that
    `place` adds to Place, stored or `computed` by an expression, and in this direction.
    """

    words: Sequence[str]
    fields: Sequence[str]
    place: type[Place]
    direction: int = 1
    where: Document = field(default_factory=dict)
    computed: Document = field(default_factory=dict)

    async def best(self, collection: Collection, after: Place | None, limit: int) -> list[tuple[Document, Place]]:
        """Return the best matches, or the best matches after the position `after`."""
        key = self.place.__struct_fields__[-1]
        found: list[tuple[Document, Place]] = []
        # Rank by rank, for an index can sort those of one rank; mostly the first few fill a page.
        for rank in range(after.rank if after else 0, 2 * len(self.fields)):
            here = after if after and after.rank == rank else None
            documents = await collection.aggregate(self._stages(rank, key, here, limit - len(found)))
            async for document in documents:
                place = {"rank": rank, "id": document["_id"], key: document[key]}
                found.append((document, msgspec.convert(place, self.place)))
            if len(found) == limit:
                break
        return found

    def _stages(self, rank: int, key: str, after: Place | None, limit: int) -> list[Document]:
        stages: list[Document] = [{"$match": {**self._at_rank(rank), **self.where}}]
        if self.computed:
            stages.append({"$set": {key: self.computed}})
        if after:
            value, beyond = getattr(after, key), "$gt" if self.direction > 0 else "$lt"
            stages.append({"$match": {"$or": [{key: {beyond: value}}, {key: value, "_id": {"$gt": after.id}}]}})
        return [*stages, {"$sort": {key: self.direction, "_id": 1}}, {"$limit": limit}]

    def _at_rank(self, rank: int) -> Document:
        """Return the condition that the worst match of the words has this rank."""
        found: Document = {"$and": [self._up_to(rank, word) for word in self.words]}
        return {**found, "$nor": [{"$and": [self._up_to(rank - 1, word) for word in self.words]}]} if rank else found

    def _up_to(self, rank: int, word: str) -> Document:
        place, only_begins = divmod(rank, 2)
        begins = {"$regex": f"^{re.escape(word)}"}  # a range of the index, since it is anchored and has no options
        better = [{name: begins} for name in self.fields[:place]]
        return {"$or": [*better, {self.fields[place]: begins if only_begins else word}]}
