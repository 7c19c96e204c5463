"""Test that changes of payments are counted for the metrics, once for each written change."""

from datetime import datetime
from uuid import UUID

import httpx

from grome.infrastructure.container import Container
from grome.infrastructure.figures import FIGURES
from grome.infrastructure.outbox.models import EventType
from grome.payments.models import Payment, PaymentState, Purpose, payment_id_for
from grome.payments.updates import Happening, PaymentChange, PaymentUpdater
from tests.builders.barbers import barber
from tests.builders.bookings import book, tomorrow
from tests.builders.payments import store_payment
from tests.builders.people import register

CREATED = (EventType.PAYMENT_CREATED, PaymentState.PROCESSING, "")


def fail_once(current: Payment, _: datetime) -> PaymentChange | None:
    if current.state is PaymentState.FAILED:
        return None
    happening = Happening(EventType.PAYMENT_FAILED, current.amount, "card_declined")
    return PaymentChange(state=PaymentState.FAILED, happenings=[happening])


async def test_change_of_a_payment_is_counted_with_its_amount_and_a_repeat_is_not(
    http: httpx.AsyncClient, container: Container
) -> None:
    booking = await book(http, await register(http), await barber(http, container), tomorrow(9))
    await store_payment(container, booking, CREATED, amount=3_200)
    names = [(metric, "payment.failed", "EUR") for metric in ("payment_changes", "payment_amounts")]
    before = [FIGURES[name] for name in names]
    for _ in range(2):
        await container.get(PaymentUpdater).update(payment_id_for(UUID(booking["id"]), Purpose.DEPOSIT), fail_once)
    assert [FIGURES[name] - was for name, was in zip(names, before, strict=True)] == [1, 3_200]
