"""Test that a report reads bookings in batches by an index, each once and in order."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from grome.bookings.models import Status
from grome.bookings.queries import BookingQueries
from grome.common.actor import Actor, Role
from grome.common.ids import new_id
from grome.infrastructure.container import Container
from tests.builders.bookings import tomorrow
from tests.builders.reports import insert_all, make_booking

START = tomorrow(0) + timedelta(days=400)  # where no other test has any
SPAN = START, START + timedelta(days=1)


def actor(role: Role, person_id: UUID) -> Actor:
    return Actor(person_id, role, new_id())


async def streamed(container: Container, who: Actor, **narrowed: Any) -> list[list[UUID]]:
    batches = container.get(BookingQueries).iter_starting_between(who, SPAN, **narrowed)
    return [[booking.id for booking in batch] async for batch in batches]


async def test_stream_yields_each_booking_once_in_batches(container: Container) -> None:
    """Many bookings begin at the same moment, also at the end of a batch."""
    shop, other, admin = new_id(), new_id(), new_id()
    moments = [START + timedelta(hours=number // 130) for number in range(510)]
    ours = sorted(
        (make_booking(moment, barber_id=shop) for moment in moments), key=lambda one: (one.scheduled_at, one.id)
    )
    others = [make_booking(START, barber_id=other, status=Status.ACCEPTED)]
    outside = [make_booking(moment, barber_id=shop) for moment in (START - timedelta(milliseconds=1), SPAN[1])]
    await insert_all(container, ours[::-1] + others + outside)
    try:
        batches = await streamed(container, actor(Role.BARBER, shop))
        assert [len(batch) for batch in batches] == [250, 250, 10]
        assert [one for batch in batches for one in batch] == [booking.id for booking in ours]
        everybody = [one for batch in await streamed(container, actor(Role.ADMIN, admin)) for one in batch]
        assert sorted(everybody) == sorted(booking.id for booking in ours + others)
        about = await streamed(container, actor(Role.ADMIN, admin), barber_id=other)
        assert about == [[others[0].id]]
        assert await streamed(container, actor(Role.ADMIN, admin), barber_id=other, status=Status.COMPLETED) == []
        assert await streamed(container, actor(Role.BARBER, shop), barber_id=other) == []
        assert await streamed(container, actor(Role.CUSTOMER, shop)) == []
        for batch_end in (249, 250):  # the end of exactly one batch
            await container.database["bookings"].delete_many(
                {"_id": {"$in": [one.id for one in ours[batch_end + 1 :]]}}
            )
            left = await streamed(container, actor(Role.BARBER, shop))
            assert sum(map(len, left)) == min(batch_end + 1, len(ours))
            await insert_all(container, ours[batch_end + 1 :])
    finally:
        await container.database["bookings"].delete_many({"barber_id": {"$in": [shop, other]}})


@pytest.mark.parametrize(("scope", "index"), [({"barber_id": UUID(int=1)}, "barber"), ({}, "all")])
async def test_stream_uses_its_index_in_order(container: Container, scope: dict[str, Any], index: str) -> None:
    """Explains the query of the second batch, which has more conditions than the first."""
    moment = {"$gte": START, "$lt": SPAN[1]}
    after = [{"scheduled_at": {"$gt": START}}, {"_id": {"$gt": UUID(int=5)}}]
    found = container.database["bookings"].find({**scope, "scheduled_at": moment, "$or": after})
    plan = await found.sort([("scheduled_at", 1), ("_id", 1)]).limit(250).explain()
    stages = list(_stages(plan["queryPlanner"]["winningPlan"]))
    assert [stage["indexName"] for stage in stages if stage["stage"] == "IXSCAN"] == [index]
    assert {stage["stage"] for stage in stages} <= {"LIMIT", "FETCH", "IXSCAN"}  # and no SORT


def _stages(plan: dict[str, Any]) -> Any:
    yield plan
    for inner in (plan.get("inputStage"), *plan.get("inputStages", ())):
        if inner:
            yield from _stages(inner)
