"""Budgets of things that anybody can repeat: so many uses in a window of time, counted by the database itself."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from msgspec import Meta, Struct, field
from pymongo import IndexModel
from pymongo.errors import DuplicateKeyError

from grome.common.clock import Clock
from grome.common.errors import TooManyRequests
from grome.infrastructure.mongo.client import CollectionSpec, Database, with_weak_writes
from grome.infrastructure.mongo.schema import validator_for

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# Enough of a SHA-256 that no two subjects share a counter; the subject itself, e.g. a phone number, is not stored.
_DIGEST_LETTERS: Final = 32


class Budget(Struct, frozen=True):
    """At most `limit` uses of one subject in each window. Windows follow each other from the epoch on, in UTC."""

    kind: str
    limit: int
    window: timedelta

    def ends_at(self, now: datetime) -> datetime:
        return now + self.window - (now - _EPOCH) % self.window


class BudgetCount(Struct, frozen=True):
    """The uses of one subject in one window."""

    id: str = field(name="_id")
    used: Annotated[int, Meta(ge=0)]
    expires_at: datetime


COLLECTION: Final = CollectionSpec(
    "budgets", validator_for(BudgetCount), [IndexModel("expires_at", name="over", expireAfterSeconds=0)]
)


class Budgets:
    """Counters in MongoDB, so that any number of processes at once grant no more than the limit."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._counts, self._clock = with_weak_writes(database[COLLECTION.name]), clock

    async def take(self, budget: Budget, subject: str) -> float | None:
        """Use the budget of a subject once. Returns None if it had a use left, else the seconds until the next window.

        One guarded update: where the limit is reached, the filter finds nothing, and the insert meets the `_id`.
        """
        now = self._clock()
        ends_at = budget.ends_at(now)
        name = f"{budget.kind}:{_digest(subject)}:{int(ends_at.timestamp())}"
        left = {"_id": name, "used": {"$lt": budget.limit}}
        use = {"$inc": {"used": 1}, "$setOnInsert": {"expires_at": ends_at}}
        try:
            await self._counts.update_one(left, use, upsert=True)
        except DuplicateKeyError:
            # Also where two made the counter at once; by now it is there.
            if not (await self._counts.update_one(left, use)).matched_count:
                return (ends_at - now).total_seconds()
        return None

    async def spend(self, budget: Budget, subject: str) -> None:
        """Use the budget of a subject once. Raises TooManyRequests if none is left."""
        wait_s = await self.take(budget, subject)
        if wait_s is not None:
            raise TooManyRequests(wait_s)


def _digest(subject: str) -> str:
    return hashlib.sha256(subject.encode()).hexdigest()[:_DIGEST_LETTERS]
