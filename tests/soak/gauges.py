"""Memory, relay, jobs and document sizes of a running Grome, measured at one moment."""

from dataclasses import dataclass
from typing import Final

from grome.infrastructure.container import Container
from grome.infrastructure.jobs.admin import JobAdmin
from grome.infrastructure.outbox.relay import Relay
from tests.support.processes import RunningGrome

_MIB: Final = 2**20
# The documents of an account in these collections are limited, so repeated requests do not let them grow.
LIMITED_COLLECTIONS: Final = (
    "sessions",
    "waitlist",
    "promos",
    "webhook_endpoints",
    "push_devices",
    "favourites",
    "reports",
)


@dataclass(frozen=True)
class Sample:
    """`api_mib` is the resident memory of the largest API worker, `booking_kb` the size of the largest booking."""

    at_s: float
    api_mib: float
    worker_mib: float
    relay_lag_s: float
    overdue_s: float
    due_jobs: int
    booking_kb: float
    limited_documents: int


async def measure(at_s: float, grome: RunningGrome, container: Container) -> Sample:
    relay, jobs = await container.get(Relay).stats(), await container.get(JobAdmin).figures()
    return Sample(
        at_s=at_s,
        api_mib=max(process.memory_info().rss for process in grome.workers("Server")) / _MIB,
        worker_mib=max(process.memory_info().rss for process in grome.workers("Jobs")) / _MIB,
        relay_lag_s=relay.lag_s if relay else 0.0,
        overdue_s=jobs.overdue_s,
        due_jobs=await container.database["jobs"].count_documents(
            {"state": "pending", "next_at": {"$lte": container.clock()}}
        ),
        booking_kb=await _largest_booking(container) / 1000,
        limited_documents=sum(
            [await container.database[name].estimated_document_count() for name in LIMITED_COLLECTIONS]
        ),
    )


async def _largest_booking(container: Container) -> int:
    largest = {"$group": {"_id": None, "bytes": {"$max": {"$bsonSize": "$$ROOT"}}}}
    found = await (await container.database["bookings"].aggregate([largest])).to_list()
    return int(found[0]["bytes"]) if found else 0
