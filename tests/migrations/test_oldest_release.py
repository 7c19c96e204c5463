"""A database that the oldest release filled migrates while that release still writes.

`oldest_release/dump.grome` is a backup of it; README.md beside it says how it was made.
"""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from config.settings import Settings
from grome.accounts.models import LoginSession, User
from grome.audit.models import AuditRecord
from grome.barbers.models import Ratings, StoredBarber
from grome.bookings.models import Booking
from grome.catalogue.models import Service
from grome.cli.bootstrap import opened_container
from grome.common.clock import system_clock
from grome.favourites.models import Favourite
from grome.infrastructure.backup.backup_folder import open_backup
from grome.infrastructure.backup.restore import Restore
from grome.infrastructure.jobs.models import Job
from grome.infrastructure.migrations import applied, migrate
from grome.infrastructure.mongo.client import Client, Database, Document, from_document
from grome.migrations import MIGRATIONS
from grome.notifications.models import LogEntry
from grome.promos.models import Promo, PromoUse
from grome.quotes.models import Quote
from grome.reviews.models import Review
from grome.series.models import Series
from grome.waitlist.models import WaitlistEntry
from grome.walk_ins.models import WalkIn
from tests.support.app import with_database
from tests.support.eventually import until

FOLDER = Path(__file__).with_name("oldest_release")
STRUCTS: dict[str, Any] = {
    "audit": AuditRecord,
    "barbers": StoredBarber,
    "bookings": Booking,
    "favourites": Favourite,
    "jobs": Job,
    "notifications": LogEntry,
    "promo_uses": PromoUse,
    "promos": Promo,
    "quotes": Quote,
    "ratings": Ratings,
    "reviews": Review,
    "series": Series,
    "services": Service,
    "sessions": LoginSession,
    "users": User,
    "waitlist": WaitlistEntry,
    "walk_ins": WalkIn,
}
# The fields of a further document that unique indexes compare.
NEW: dict[str, Callable[[UUID], Document]] = {
    "bookings": lambda new: {"_id": new, "active": False, "ticks": [], "idempotency": None},
    "jobs": lambda new: {"_id": new.hex},
    "users": lambda new: {"_id": new, "email": f"{new.hex}@example.com", "phone": None},
}


@pytest.fixture
async def old(settings: Settings) -> AsyncIterator[Database]:
    """The database of the oldest release. Its indexes are as that release made them."""
    async with opened_container(with_database(settings, uuid4().hex[:12])) as container:
        await Restore(container.database, None, open_backup(FOLDER, None), system_clock, lambda _: None).run(None)
        yield container.database
        await container.get(Client).drop_database(container.database.name)


def each_of(documents: dict[str, list[Document]]) -> list[tuple[str, Document]]:
    return [(name, document) for name, found in documents.items() for document in found]


async def all_documents(database: Database) -> dict[str, list[Document]]:
    return {name: await database[name].find().to_list() for name in STRUCTS}


async def write_as_old_process(database: Database, name: str, old: Document) -> None:
    """Store a document as the oldest release does: it updates and inserts the fields that it knows.

    Raises the driver's error for a refused write.
    """
    fields = {field: value for field, value in old.items() if field != "_id"}
    await database[name].update_one({"_id": old["_id"]}, {"$set": fields})
    if new := NEW.get(name):
        await database[name].insert_one({**old, **new(uuid4())})


def undecodable(documents: dict[str, list[Document]]) -> Counter[str]:
    """Count the documents that this release cannot read, by their faults."""
    found = Counter[str]()
    for name, document in each_of(documents):
        try:
            from_document(document, STRUCTS[name])
        except msgspec.ValidationError as error:
            found[f"{name}: {error}"] += 1
    return found


async def refused(database: Database) -> dict[str, int]:
    """Count the documents that the validators of this release refuse."""
    found = {}
    async for collection in await database.list_collections():
        if validator := collection["options"].get("validator"):
            found[collection["name"]] = await database[collection["name"]].count_documents({"$nor": [validator]})
    return {name: count for name, count in found.items() if count}


async def test_database_of_the_oldest_release_migrates_while_that_release_writes(old: Database) -> None:
    before, stop, written = await all_documents(old), asyncio.Event(), Counter[str]()
    assert await applied(old) == {1, 2, 3, 4}
    assert [name for name, documents in before.items() if not documents] == []

    async def write() -> None:
        for name, document in itertools.cycle(each_of(before)):
            if stop.is_set():
                return
            await write_as_old_process(old, name, document)
            written[name] += 1

    writer = asyncio.create_task(write())
    await until(lambda: written.total() > 0)
    done = [migration.number async for migration in migrate(old, MIGRATIONS, system_clock)]
    stop.set()
    await writer

    assert done == [migration.number for migration in MIGRATIONS if migration.number > 4]
    assert undecodable(await all_documents(old)) == {}
    for name, document in each_of(before):  # the last old processes write on after the migrations
        await write_as_old_process(old, name, document)
    after = await all_documents(old)
    assert undecodable(after) == {}
    assert await refused(old) == {}
    assert {name: len(found) for name, found in after.items() if name not in NEW} == {
        name: len(found) for name, found in before.items() if name not in NEW
    }
