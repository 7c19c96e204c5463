"""Limits that concurrent inserts cannot exceed: numbered places of an owner under a unique index."""

import secrets
from collections.abc import Callable, Iterable
from typing import Final

from pymongo.errors import DuplicateKeyError

from grome.common.errors import Unavailable
from grome.infrastructure.mongo.client import Collection, Document

# Each further attempt has lost a place to another insert of the same owner.
_ATTEMPTS_BEYOND_LIMIT: Final = 8


def lowest_free(taken: Iterable[int]) -> int:
    """The lowest number from 0 on that is not among `taken`."""
    numbers = set(taken)
    return next(number for number in range(len(numbers) + 1) if number not in numbers)


async def insert_with_free_number(
    collection: Collection,
    document: Callable[[int], Document],
    *,
    owner: Document,
    field: str,
    limit: int,
) -> int | None:
    """Insert `document(place)` under one of the owner's free places from 0 to `limit` - 1.

    Returns the place, or None if all are taken. A unique index over the owner and `field` must hold the places; `owner`
    is the filter of the documents in it. The lowest free place comes first, and after a lost race a random free one,
    so that many inserts at once do not meet at each. Raises DuplicateKeyError of any other unique index, and
    Unavailable if places keep changing.
    """
    for attempt in range(limit + _ATTEMPTS_BEYOND_LIMIT):
        taken = {one[field] async for one in collection.find(owner, {"_id": 0, field: 1})}
        free = [place for place in range(limit) if place not in taken]
        if not free:
            return None
        place = secrets.choice(free) if attempt else free[0]
        try:
            await collection.insert_one(document(place))
        except DuplicateKeyError as error:
            if field not in (error.details or {}).get("keyPattern", {}):
                raise
        else:
            return place
    raise Unavailable("Too many changes at once; try again.")
