"""Change bookings at a steady rate, in a process of its own: `python -m benchmarks.live_writer`.

Each change is the write that a note makes: a history entry and the next version, with majority and journal. The entry's
`at` is the time just before the write.
"""

import asyncio
import sys
import time
from datetime import UTC, datetime
from typing import Any

from pymongo import AsyncMongoClient

from grome.bookings.models import Action, HistoryEntry, Party, Status
from grome.common.ids import new_id
from grome.infrastructure.mongo.client import to_document


async def write(url: str, database: str, rate: int, seconds: int) -> None:
    """Write `rate` changes a second, each booking in turn."""
    async with AsyncMongoClient[dict[str, Any]](url, uuidRepresentation="standard", tz_aware=True) as client:
        bookings = client.get_database(database).bookings.with_options()
        ids = [found["_id"] async for found in bookings.find({}, {"_id": 1}).limit(5_000)]
        versions = dict.fromkeys(ids, 1)
        async for found in bookings.find({}, {"version": 1}):
            versions[found["_id"]] = found["version"]
        started = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for number in range(rate * seconds):
                await asyncio.sleep(max(0.0, started + number / rate - time.perf_counter()))
                booking_id = ids[number % len(ids)]
                versions[booking_id] += 1
                group.create_task(_change(bookings, booking_id, versions[booking_id]))


async def _change(bookings: Any, booking_id: Any, version: int) -> None:  # noqa: ANN401 -- of the driver
    entry = HistoryEntry(
        id=new_id(),
        version=version,
        action=Action.NOTE,
        status=Status.ACCEPTED,
        by=Party.BARBER,
        actor_id=None,
        at=datetime.now(UTC),
    )
    await bookings.update_one(
        {"_id": booking_id}, {"$set": {"version": version}, "$push": {"history": to_document(entry)}}
    )


if __name__ == "__main__":
    asyncio.run(write(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
