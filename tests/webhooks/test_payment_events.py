"""Test webhooks about payments and payouts."""

import json

from grome.common.ids import new_id
from grome.infrastructure.outbox.models import Event, EventType, MovedMoney
from grome.infrastructure.outbox.relay import Subscribers
from grome.payments.models import PaymentState
from tests.builders.payments import store_payment
from tests.webhooks.receiver import Receiver
from tests.webhooks.trial import Trial

PAID = (EventType.PAYMENT_PAID, PaymentState.PAID, "")
REFUNDED = (EventType.PAYMENT_REFUNDED, PaymentState.REFUNDED, "cancellation")


async def test_payment_event_is_delivered_with_its_state_then_and_without_secrets(
    trial: Trial, receiver: Receiver
) -> None:
    shop, _, booking = await trial.booked()
    endpoint = await trial.endpoint(shop.person, receiver.url, types=["payment.paid"])
    paid, refunded = await store_payment(
        trial.container, booking, PAID, REFUNDED, amount=3_200, received=3_200, intent_id="pi_1"
    )
    await trial.container.get(Subscribers)["webhooks"].handle([paid, refunded])
    await trial.deliver(endpoint, paid)
    (got,) = receiver.requests
    told = json.loads(got.body)
    assert told["type"] == "payment.paid"
    assert told["data"] == {
        "id": str(paid.subject_id),
        "booking_id": booking["id"],
        "purpose": "deposit",
        "status": "paid",
        "amount": 3_200,
        "moved": 3_200,
        "currency": "EUR",
        "version": 1,
    }
    assert len(await trial.log(shop.person, endpoint)) == 1


async def test_payout_event_is_delivered_with_amount(trial: Trial, receiver: Receiver) -> None:
    shop, _, _ = await trial.booked()
    endpoint = await trial.endpoint(shop.person, receiver.url)
    event = Event(
        id=new_id(),
        type=EventType.PAYOUT_SENT,
        at=trial.clock(),
        subject_id=new_id(),
        version=2,
        people=(shop.person.id,),
        money=MovedMoney(8_425, "EUR"),
    )
    await trial.container.get(Subscribers)["webhooks"].handle([event])
    await trial.deliver(endpoint, event)
    (got,) = receiver.requests
    assert json.loads(got.body)["data"] == {
        "id": str(event.subject_id),
        "amount": 8_425,
        "currency": "EUR",
        "version": 2,
    }


async def test_fraud_warning_is_not_delivered_to_the_barber(trial: Trial, receiver: Receiver) -> None:
    shop, _, booking = await trial.booked()
    endpoint = await trial.endpoint(shop.person, receiver.url)
    warning = (EventType.PAYMENT_FRAUD_WARNING, PaymentState.PAID, "")
    events = await store_payment(trial.container, booking, PAID, warning, amount=3_200, received=3_200)
    await trial.container.get(Subscribers)["webhooks"].handle(events[1:])
    assert await trial.log(shop.person, endpoint) == []
