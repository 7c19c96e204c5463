"""Check an upgraded database: acknowledged states, validators, overlaps of bookings, records of all events."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

from config.settings import Settings
from grome.audit.heads import AuditHeads
from grome.composition.projection import PROJECTION
from grome.infrastructure.container import Container
from grome.infrastructure.jobs.models import State
from grome.infrastructure.mongo.client import Database
from grome.infrastructure.outbox.models import BOOKINGS, ChangeRecord
from tests.chaos.run import migrated_container
from tests.support.eventually import until
from tests.upgrade.fleet import Caller, Fleet, Side, StoryEndedError


@dataclass(frozen=True)
class Finding:
    """A check, and each case in which it does not hold."""

    what: str
    wrong: list[str]


# The changelog announces this.
_ANNOUNCED: Final = frozenset({".rating was 0.0 and is None"})
# Reviews of others change these of a barber.
_OF_REVIEWS: Final = ("rating", "reviews_count")


def differences(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """Yield the fields of an older answer that a newer answer lacks, or shows with another value."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name, value in before.items():
            if name in after:
                yield from differences(value, after[name], f"{path}.{name}")
            else:
                yield f"{path}.{name} is gone"
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for one, other in zip(before, after, strict=True):
            yield from differences(one, other, f"{path}[]")
    elif before != after:
        yield f"{path} was {before!r} and is {after!r}"


async def compare_reads(fleet: Fleet, old: Side, new: Side) -> list[Finding]:
    """Read everything that was told through both releases, while nobody writes."""
    paths = {path: caller for path, (caller, _) in fleet.acknowledged.items()}
    paths |= {f"{path}/history": caller for path, caller in paths.items() if _is_booking(path)}
    wrong: list[str] = []
    fleet.phase = "comparison"

    async def compare(path: str, caller: Caller) -> None:
        bodies = []
        for side in (old, new):
            fleet.sides = [side]
            bodies.append((await caller.send("GET", path.partition("#")[0])).body)
        wrong.extend(f"{path}: {difference}" for difference in differences(*bodies) if difference not in _ANNOUNCED)

    for path, caller in paths.items():
        try:
            await compare(path, caller)
        except StoryEndedError:
            continue
    fleet.sides = [old, new]
    return [Finding(f"answers of both releases to {len(paths):,} reads that differ", wrong)]


async def read_acknowledged(fleet: Fleet) -> list[Finding]:
    """Read all acknowledged states through this release."""
    wrong = []
    fleet.phase = "reading"
    for path, (caller, told) in fleet.acknowledged.items():
        try:
            found = (await caller.send("GET", path.partition("#")[0])).body
        except StoryEndedError:
            wrong.append(f"{path} is not found")
            continue
        lasting = {name: value for name, value in told.items() if name not in _OF_REVIEWS or path.endswith("/review")}
        wrong += [f"{path}: {difference}" for difference in differences(lasting, found)]
    return [Finding(f"acknowledged states that are lost or changed, of {len(fleet.acknowledged):,}", wrong)]


async def refresh_old_sessions(fleet: Fleet, idle: list[Caller]) -> list[Finding]:
    """Use access and refresh tokens from before the upgrade."""
    before, wrong = len(fleet.failures), []
    for caller in idle:
        try:
            await caller.send("GET", "/v1/me")
            await caller.refresh()
        except StoryEndedError:
            wrong.append(caller.email)
    del fleet.failures[before:]
    return [Finding(f"sessions of the old release that ended, of {len(idle)}", wrong)]


async def check_database(settings: Settings, verify: Callable[[], list[Finding]]) -> list[Finding]:
    """Check the stored documents, and run the commands in `verify`."""
    async with migrated_container(settings) as container:
        with suppress(AssertionError):  # the findings name what is left
            await until(lambda: _is_drained(container))
        # As a job does every minute: the head counts the last records of the old release.
        await container.get(AuditHeads).sign()
        database = container.database
        return [
            *verify(),
            Finding("documents that the validators refuse", await _invalid(database)),
            Finding("bookings of one barber that overlap", await _overlaps(database)),
            Finding("changes of bookings without a record in the audit trail", await _unrecorded(container)),
            Finding("jobs that are not done", await _undone(database)),
        ]


async def _is_drained(container: Container) -> bool:
    pending = await container.database["jobs"].count_documents({"state": State.PENDING.value})
    return pending == 0 and not await _unrecorded(container)


async def _invalid(database: Database) -> list[str]:
    found = []
    async for collection in await database.list_collections():
        if validator := collection["options"].get("validator"):
            name = collection["name"]
            refused = await database[name].find({"$nor": [validator]}, {"_id": 1}).to_list()
            found += [f"{name} {document['_id']}" for document in refused]
    return found


async def _overlaps(database: Database) -> list[str]:
    spans: dict[Any, list[tuple[datetime, datetime]]] = {}
    fields = {"barber_id": 1, "scheduled_at": 1, "ends_at": 1}
    async for booking in database[BOOKINGS].find({"active": True}, fields):
        spans.setdefault(booking["barber_id"], []).append((booking["scheduled_at"], booking["ends_at"]))
    return [
        f"barber {barber_id} at {later[0]:%Y-%m-%d %H:%M}"
        for barber_id, each in spans.items()
        for earlier, later in pairwise(sorted(each))
        if later[0] < earlier[1]
    ]


async def _unrecorded(container: Container) -> list[str]:
    now = container.clock()
    recorded = {record["_id"] async for record in container.database["audit"].find({}, {"_id": 1})}
    missing = []
    async for document in container.database[BOOKINGS].find({}):
        events = PROJECTION.events_of(ChangeRecord(BOOKINGS, document, None, now))
        missing += [f"{event.type.value} {event.id}" for event in events if event.id not in recorded]
    return missing


async def _undone(database: Database) -> list[str]:
    undone = database["jobs"].find({"state": {"$ne": State.DONE.value}})
    return [f"{job['kind']} {job['_id']}: {job['state']} {job.get('error', '')}" async for job in undone]


def _is_booking(path: str) -> bool:
    return path.startswith("/v1/bookings/") and path.count("/") == 3
