"""Changes of barbers become searches, stored as jobs, and no unreadable entry stops them."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from grome.infrastructure.container import Container
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.outbox.models import BARBERS, BOOKINGS, ChangeRecord
from grome.infrastructure.outbox.repository import RelayRepository
from grome.waitlist.subscriber import WAITLIST_JOB, WaitlistSubscriber
from tests.builders.barbers import Barber, barber
from tests.builders.bookings import move, tomorrow
from tests.builders.people import register
from tests.builders.unreadable import store_unreadable
from tests.builders.waitlist import (
    book_by_new_customer,
    free_time,
    join_waitlist,
    offered_booking,
    read_entry,
    reconcile_all,
    window_over,
)
from tests.conftest import AdjustableClock


@pytest.fixture
async def shop(http: httpx.AsyncClient, container: Container) -> Barber:
    return await barber(http, container, rules={"auto_accept": True})


async def searches(container: Container, shop: Barber) -> list[dict[str, Any]]:
    wanted = {"kind": WAITLIST_JOB.name, "payload.search.barber_id": shop.id}
    return await container.database["jobs"].find(wanted).sort("_id", 1).to_list()


async def change_of(container: Container, shop: Barber, *paths: str) -> ChangeRecord:
    document = await container.database["barbers"].find_one({"_id": shop.person.id})
    assert document is not None
    return ChangeRecord(BARBERS, document, dict.fromkeys(paths) if paths else None, container.clock())


@pytest.mark.parametrize("path", ["openings.time_off.0", "availability", "rules", "services", "location", "timezone"])
async def test_change_of_bookable_time_adds_a_search(container: Container, shop: Barber, path: str) -> None:
    await WaitlistSubscriber(container.get(JobQueue), container.clock).follow_changes(
        [await change_of(container, shop, path, "version")]
    )
    [job] = await searches(container, shop)
    assert job["payload"]["search"]["dates"] is None


async def test_change_of_rules_adds_a_search_through_the_change_stream(
    http: httpx.AsyncClient, container: Container, shop: Barber
) -> None:
    async with RelayRepository(container.database).changes(None) as changes:
        rules = {"slot_step_min": 5, "min_notice_min": 0, "horizon_days": 300, "auto_accept": True}
        assert (await http.put("/v1/barbers/me/rules", json=rules, headers=shop.auth)).status_code == 200
        change = None
        while change is None or change.document["_id"] != shop.person.id:
            change, _ = await changes.next()
    await WaitlistSubscriber(container.get(JobQueue), container.clock).follow_changes([change])
    assert len(await searches(container, shop)) == 1


async def test_change_of_a_rating_or_a_booking_adds_no_search(container: Container, shop: Barber) -> None:
    rated = await change_of(container, shop, "rating", "reviews_count", "version")
    other = ChangeRecord(BOOKINGS, rated.document, None, rated.at)
    await WaitlistSubscriber(container.get(JobQueue), container.clock).follow_changes([rated, other])
    assert await searches(container, shop) == []


async def test_changes_within_seconds_add_one_search_that_runs_after_them(
    container: Container, shop: Barber, clock: AdjustableClock
) -> None:
    clock.stopped = tomorrow(9)
    follower, change = WaitlistSubscriber(container.get(JobQueue), container.clock), await change_of(container, shop)
    for _ in range(10):
        await follower.follow_changes([change, change])
    [job] = await searches(container, shop)
    assert job["next_at"] > tomorrow(9)
    clock.stopped = job["next_at"]
    await follower.follow_changes([change])
    assert len(await searches(container, shop)) == 2


async def test_unreadable_entry_stops_neither_search_nor_reconcile(
    http: httpx.AsyncClient, container: Container, shop: Barber
) -> None:
    early, booking = await book_by_new_customer(http, shop)
    people = [await register(http) for _ in range(2)]
    entries = [await join_waitlist(http, person, shop, **window_over(booking)) for person in people]
    stored = container.database["waitlist"]
    like = await stored.find_one({"_id": UUID(entries[0]["id"])})
    assert like is not None
    await stored.delete_one({"_id": like["_id"]})
    fields = {"place": None, "fingerprint": None, "service_ids": [], "earliest": like["earliest"]}
    for wrong in ({"passed": 7}, {"area": {"what": 1}}):
        await store_unreadable(container.database, "waitlist", like, **fields, **wrong)
    await store_unreadable(
        container.database, "waitlist", like, **fields, state="offered", booking_id=UUID(int=9), passed=7
    )
    await free_time(http, container, early.auth, booking)
    held = await offered_booking(http, people[1], entries[1])
    assert (await move(http, people[1].auth, held, "accept")).status_code == 200
    await reconcile_all(container)
    assert (await read_entry(http, people[1], entries[1]))["state"] == "booked"
    assert (await stored.delete_many({"barber_id": like["barber_id"], "state": {"$ne": "booked"}})).deleted_count == 3
