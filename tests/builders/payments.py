"""Store payments with a given history."""

from typing import Any
from uuid import UUID

from grome.common.ids import new_id
from grome.composition.projection import PROJECTION
from grome.infrastructure.container import Container
from grome.infrastructure.mongo.client import to_document
from grome.infrastructure.outbox.models import PAYMENTS, ChangeRecord, Event, EventType
from grome.payments.models import Mode, Payment, PaymentEntry, PaymentState, Purpose, payment_id_for
from grome.payments.repository import PaymentRepository

Step = tuple[EventType, PaymentState, str]


async def store_payment(
    container: Container, booking: dict[str, Any], *steps: Step, amount: int, **changed: Any
) -> list[Event]:
    """Store a payment of the booking that made these steps, and return the events of the steps.

    A step is an event, the state after it and its note.
    """
    now, booking_id = container.clock(), UUID(booking["id"])
    purpose = changed.pop("purpose", Purpose.DEPOSIT)
    history = [
        PaymentEntry(
            id=new_id(), version=number, type=kind, state=state, at=now, amount=amount, currency="EUR", note=note
        )
        for number, (kind, state, note) in enumerate(steps, start=1)
    ]
    payment = Payment(
        id=payment_id_for(booking_id, purpose),
        booking_id=booking_id,
        customer_id=UUID(booking["customer_id"]),
        barber_id=UUID(booking["barber_id"]),
        purpose=purpose,
        mode=changed.pop("mode", Mode.CHARGE),
        state=history[-1].state,
        amount=amount,
        currency="EUR",
        stripe_customer="cus_1",
        history=history,
        version=len(history),
        created_at=now,
        updated_at=now,
        **changed,
    )
    assert await PaymentRepository(container.database).insert(payment)
    return PROJECTION.events_of(ChangeRecord(PAYMENTS, to_document(payment), None, now))
