"""Test that the audit trail keeps the actor, the reason and the amount of an action on money."""

import httpx

from grome.audit.service import AuditTrail
from grome.common.ids import new_id
from grome.infrastructure.container import Container
from grome.infrastructure.outbox.models import Event, EventType, MovedMoney
from grome.payments.models import PaymentState
from tests.builders.barbers import barber
from tests.builders.bookings import book, tomorrow
from tests.builders.payments import store_payment
from tests.builders.people import create_admin, register


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


async def test_events_for_live_clients_are_not_recorded(http: httpx.AsyncClient, container: Container) -> None:
    admin, barber_id, at = await create_admin(http, container), new_id(), container.clock()
    kinds = (EventType.BARBER_ONLINE, EventType.BARBER_COMMISSION_CHANGED, EventType.WALK_IN_JOINED)
    await container.get(AuditTrail).handle(
        [
            Event(id=new_id(), type=kind, at=at, subject_id=barber_id, version=version, people=())
            for version, kind in enumerate(kinds)
        ]
    )
    answer = await http.get("/v1/admin/audit", params={"subject_id": str(barber_id)}, headers=admin.auth)
    assert [record["type"] for record in answer.json()["items"]] == ["barber.commission_changed"]


async def test_refund_is_recorded_with_the_money_kept_before_and_after(
    http: httpx.AsyncClient, container: Container
) -> None:
    shop, customer, admin = await barber(http, container), await register(http), await create_admin(http, container)
    booking = await book(http, customer, shop, tomorrow(9))
    paid = (EventType.PAYMENT_PAID, PaymentState.PAID, "")
    started = (EventType.PAYMENT_REFUND_STARTED, PaymentState.PAID, "goodwill")
    failed = (EventType.PAYMENT_REFUND_FAILED, PaymentState.PAID, "expired_or_canceled_card")
    events = await store_payment(container, booking, paid, started, failed, amount=3_200, received=3_200)
    await container.get(AuditTrail).handle(events)
    answer = await http.get("/v1/admin/audit", params={"subject_id": str(events[0].subject_id)}, headers=admin.auth)
    found = sorted(answer.json()["items"], key=lambda record: record["version"])
    assert [(one["kept_before"], one["kept_after"]) for one in found] == [(0, 3_200), (3_200, 0), (0, 3_200)]
