"""Test that the audit trail keeps the actor, the reason and the amount of an action on money."""

import httpx

from grome.audit.service import AuditTrail
from grome.common.ids import new_id
from grome.infrastructure.container import Container
from grome.infrastructure.outbox.models import Event, EventType, MovedMoney
from tests.builders.people import create_admin


async def test_action_on_money_is_listed_with_actor_reason_and_amount(
    http: httpx.AsyncClient, container: Container
) -> None:
    admin = await create_admin(http, container)
    event = Event(
        id=new_id(),
        type=EventType.PAYOUT_FAILED,
        at=container.clock(),
        subject_id=new_id(),
        version=2,
        people=(new_id(),),
        actor_id=admin.id,
        money=MovedMoney(8_425, "EUR"),
        reason="The barber has another account now.",
    )
    for _ in range(2):
        await container.get(AuditTrail).handle([event])
    answer = await http.get("/v1/admin/audit", params={"subject_id": str(event.subject_id)}, headers=admin.auth)
    (record,) = answer.json()["items"]
    assert record["actor_id"] == str(admin.id)
    assert record["reason"] == "The barber has another account now."
    assert record["money"] == {"amount": 8_425, "currency": "EUR"}
