"""Each event of a review reaches the stream of its booking and the audit trail once."""

from typing import Any
from uuid import UUID

import httpx

from grome.infrastructure.container import Container
from grome.infrastructure.outbox.relay import Relay
from tests.builders.people import create_admin
from tests.builders.reviews import complete_visit, create_review, edit_review, put_answer, remove_review
from tests.infrastructure.outbox.test_relay import running
from tests.support.eventually import until
from tests.support.rooms import stored_events

TOLD = ["review.posted", "review.answered", "review.removed"]


async def test_relay_publishes_and_audits_review_events(http: httpx.AsyncClient, container: Container) -> None:
    visit, boss = await complete_visit(http, container), await create_admin(http, container)
    async with running(container.get(Relay)):
        await create_review(http, visit, 2, "Bad.")
        await edit_review(http, visit, 1, "Worse.")
        await put_answer(http, visit, "Sorry.")
        await put_answer(http, visit, "So sorry.")
        await http.delete(visit.answer_path, headers=visit.shop.auth)
        await put_answer(http, visit, "Well.")
        assert (await remove_review(http, visit, boss)).status_code == 204

        async def told_in(room: str) -> list[str]:
            mine = [told for told in await stored_events(container, room) if told["subject"] == visit.booking_id]
            return [told["type"] for told in mine]

        rooms = [f"booking:{visit.booking_id}", f"user:{visit.customer.id}", f"user:{visit.shop.id}"]

        async def complete() -> bool:
            return all([TOLD[-1] in await told_in(room) for room in rooms]) and len(await recorded()) == len(TOLD)

        async def recorded() -> list[dict[str, Any]]:
            records = container.database["audit"].find({"subject_id": UUID(visit.booking_id), "type": {"$in": TOLD}})
            return await records.sort("version", 1).to_list()

        await until(complete)
        for room in rooms:
            told = await told_in(room)
            assert [kind for kind in told if kind.startswith("review.")] == TOLD
            assert [kind for kind in told if kind.startswith("booking.")][-1] == "booking.completed"

    records = await recorded()
    assert [record["type"] for record in records] == TOLD
    assert [record["actor_id"] for record in records] == [visit.customer.id, visit.shop.person.id, boss.id]
    assert {tuple(record["people"]) for record in records} == {(visit.customer.id, visit.shop.person.id)}
