"""Test messages about payments, from the event to the mail."""

from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

import httpx
import pytest

from grome.bookings.lifecycle import BookingLifecycle
from grome.common.ids import new_id
from grome.infrastructure.container import Container
from grome.infrastructure.outbox.models import Event, EventType, MovedMoney
from grome.payments.models import Dispute, PaymentState, Purpose
from tests.builders.barbers import Barber
from tests.builders.payments import Step, store_payment
from tests.builders.people import Person
from tests.conftest import AdjustableClock
from tests.notifications.booking_notices import events_of, perform, request_visit
from tests.notifications.recorders import Pipeline

AMOUNT = 3_200


class Story(NamedTuple):
    container: Container
    customer: Person
    shop: Barber
    booking: dict[str, Any]

    async def pay(self, *steps: Step, **changed: Any) -> list[Event]:
        return await store_payment(self.container, self.booking, *steps, amount=AMOUNT, **changed)


@pytest.fixture
async def story(http: httpx.AsyncClient, container: Container) -> Story:
    return Story(container, *await request_visit(http, container))


PAID = (EventType.PAYMENT_PAID, PaymentState.PAID, "")
REFUNDING = (EventType.PAYMENT_REFUND_STARTED, PaymentState.PAID, "cancellation")
ASKED = (EventType.PAYMENT_REQUIRES_ACTION, PaymentState.REQUIRES_ACTION, "authentication_required")


async def test_deposit_received_sends_one_receipt_with_amount_and_link(story: Story, pipeline: Pipeline) -> None:
    events = await story.pay(PAID, received=AMOUNT)
    for _ in range(2):
        assert await pipeline.handle(*events) == []
    (mail,) = pipeline.mailbox.mails
    assert mail.to == story.customer.email
    assert "€32.00" in mail.rendered.subject
    assert "Deposit: €32.00" in mail.rendered.text
    assert "/v1/receipts/" in mail.rendered.text


async def test_confirmation_is_asked_for_with_deadline_if_the_customer_is_away(
    story: Story, pipeline: Pipeline
) -> None:
    pay_by = story.container.clock() + timedelta(hours=20)
    assert await pipeline.handle(*await story.pay(ASKED, purpose=Purpose.FEE, pay_by=pay_by)) == []
    (mail,) = pipeline.mailbox.mails
    assert (mail.to, pipeline.mailbox.kinds_to(mail.to)) == (story.customer.email, ["payment_action"])
    assert "Pay by:" in mail.rendered.text
    assert f"/bookings/{story.booking['id']}" in mail.rendered.text


async def test_confirmation_in_the_app_sends_no_mail(story: Story, pipeline: Pipeline) -> None:
    assert await pipeline.handle(*await story.pay(ASKED)) == []
    assert pipeline.mailbox.mails == []


async def test_confirmation_already_paid_is_not_asked_for(story: Story, pipeline: Pipeline) -> None:
    asked, _ = await story.pay(ASKED, PAID, purpose=Purpose.FEE, received=AMOUNT)
    assert await pipeline.handle(asked) == []
    assert pipeline.mailbox.mails == []


async def test_fee_received_is_told_to_both_sides(story: Story, pipeline: Pipeline) -> None:
    assert await pipeline.handle(*await story.pay(PAID, purpose=Purpose.FEE, received=AMOUNT)) == []
    assert pipeline.mailbox.kinds_to(story.customer.email) == ["payment_received"]
    assert pipeline.mailbox.kinds_to(story.shop.person.email) == ["payment_received"]


async def test_declined_card_is_told_once(story: Story, pipeline: Pipeline) -> None:
    failed = (EventType.PAYMENT_FAILED, PaymentState.FAILED, "Your card was declined.")
    assert await pipeline.handle(*await story.pay(failed, failed)) == []
    (mail,) = pipeline.mailbox.mails
    assert "did not work" in mail.rendered.subject


@pytest.mark.parametrize(
    ("end", "subject"),
    [
        (REFUNDING, "is on its way"),
        ((EventType.PAYMENT_REFUND_STARTED, PaymentState.PAID, "late_payment"), "came too late"),
        ((EventType.PAYMENT_REFUNDED, PaymentState.REFUNDED, "cancellation"), "has been paid"),
        ((EventType.PAYMENT_REFUND_FAILED, PaymentState.PAID, "expired_or_canceled_card"), "did not arrive"),
    ],
)
async def test_refund_is_told_at_each_step(
    story: Story, pipeline: Pipeline, end: tuple[EventType, PaymentState, str], subject: str
) -> None:
    *_, last = await story.pay(PAID, end, received=AMOUNT)
    assert await pipeline.handle(last) == []
    (mail,) = pipeline.mailbox.mails
    assert subject in mail.rendered.subject
    assert "€32.00" in mail.rendered.text


async def test_started_refund_that_has_arrived_is_told_once(story: Story, pipeline: Pipeline) -> None:
    done = (EventType.PAYMENT_REFUNDED, PaymentState.REFUNDED, "cancellation")
    assert await pipeline.handle(*(await story.pay(PAID, REFUNDING, done, received=AMOUNT))[1:]) == []
    (mail,) = pipeline.mailbox.mails
    assert "has been paid" in mail.rendered.subject


async def test_dispute_is_told_to_the_barber(story: Story, pipeline: Pipeline) -> None:
    opened = (EventType.PAYMENT_DISPUTED, PaymentState.PAID, "fraudulent")
    dispute = Dispute(id="dp_1", status="needs_response", reason="fraudulent", amount=AMOUNT)
    *_, event = await story.pay(PAID, opened, received=AMOUNT, dispute=dispute)
    assert await pipeline.handle(event) == []
    (mail,) = pipeline.mailbox.mails
    assert mail.to == story.shop.person.email
    assert "is disputed" in mail.rendered.subject


async def test_completed_visit_that_is_paid_by_card_sends_no_second_receipt(
    story: Story, http: httpx.AsyncClient, container: Container, pipeline: Pipeline
) -> None:
    await story.pay(PAID, purpose=Purpose.VISIT, received=AMOUNT)
    for action in ("accept", "start", "complete"):
        completed = await perform(http, container, story.shop.person.auth, story.booking, action)
    assert completed in await events_of(container, story.booking)
    assert await pipeline.handle(completed) == []
    assert pipeline.mailbox.kinds_to(story.customer.email) == ["review_request"]


@pytest.mark.parametrize(
    ("kind", "subject"),
    [
        (EventType.PAYOUT_SENT, "Your payout: €84.25"),
        (EventType.PAYOUT_FAILED, "Your payout of €84.25 could not be sent"),
        (EventType.PAYOUT_RETURNED, "Your payout of €84.25 came back"),
    ],
)
async def test_payout_is_told_to_the_barber_with_its_amount(
    story: Story, pipeline: Pipeline, kind: EventType, subject: str
) -> None:
    event = Event(
        id=new_id(),
        type=kind,
        at=story.container.clock(),
        subject_id=new_id(),
        version=2,
        people=(story.shop.person.id,),
        money=MovedMoney(8_425, "EUR"),
    )
    for _ in range(2):
        assert await pipeline.handle(event) == []
    (mail,) = pipeline.mailbox.mails
    assert (mail.to, mail.rendered.subject) == (story.shop.person.email, subject)


async def test_payout_refused_by_the_bank_is_told_without_amount(story: Story, pipeline: Pipeline) -> None:
    shop_id = story.shop.person.id
    event = Event(
        id=new_id(),
        type=EventType.PAYOUT_BANK_FAILED,
        at=story.container.clock(),
        subject_id=shop_id,
        version=2,
        people=(shop_id,),
    )
    assert await pipeline.handle(event) == []
    (mail,) = pipeline.mailbox.mails
    assert mail.rendered.subject == "Your bank did not accept a payout"


async def test_booking_that_expired_without_its_deposit_is_told_as_unpaid(
    story: Story, pipeline: Pipeline, clock: AdjustableClock
) -> None:
    pay_by = clock() + timedelta(minutes=15)
    await story.container.database["bookings"].update_one(
        {"_id": UUID(story.booking["id"])}, {"$set": {"payment.pay_by": pay_by}}
    )
    clock.set(pay_by)
    while await story.container.get(BookingLifecycle).expire_unpaid():
        pass
    expired = (await events_of(story.container, story.booking))[-1]
    assert await pipeline.handle(expired) == []
    told = {mail.to: mail.rendered.text for mail in pipeline.mailbox.mails}
    assert "You did not pay the deposit in time." in told[story.customer.email or ""]
    assert "The deposit was not paid in time." in told[story.shop.person.email or ""]
