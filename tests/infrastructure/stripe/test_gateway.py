"""The gateway reads and writes objects at Stripe, and its errors say whether an outcome is final."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from config.sections.money import StripeSettings
from grome.infrastructure.figures import FIGURES
from grome.infrastructure.stripe.client import StripeApi
from grome.infrastructure.stripe.customers import StripeCustomers
from grome.infrastructure.stripe.errors import StripeDeclinedError, StripeRejectedError, StripeUnsureError
from grome.infrastructure.stripe.history import StripeHistory
from grome.infrastructure.stripe.models import StripeIntent
from grome.infrastructure.stripe.payments import StripePayments
from grome.infrastructure.stripe.requests import NewIntent, NewRefund
from tests.support.stripe import StripeControl

EARLY = datetime.fromisoformat("2026-01-01T00:00:00Z")
INTENTS = "/v1/payment_intents"


def key() -> str:
    return f"test:{uuid4()}"


async def new_customer(api: StripeApi) -> str:
    return await StripeCustomers(api).create_customer(key(), uuid4(), "Ada", "ada@example.com")


def intent_of(customer_id: str, **fields: object) -> NewIntent:
    values: dict[str, object] = {
        "amount": 2_500,
        "currency": "EUR",
        "customer_id": customer_id,
        "metadata": {"payment_id": str(uuid4())},
        "transfer_group": "booking",
        "description": "A visit",
    }
    return NewIntent(**{**values, **fields})  # type: ignore[arg-type]


async def paid_intent(api: StripeApi, control: StripeControl) -> StripeIntent:
    payments = StripePayments(api)
    created = await payments.create_intent(key(), intent_of(await new_customer(api)))
    await control.pay(created.id)
    return await payments.get_intent(created.id)


async def test_intent_is_created_once_for_a_key(any_api: StripeApi) -> None:
    payments, customer_id, same = StripePayments(any_api), await new_customer(any_api), key()
    new = intent_of(customer_id)
    first = await payments.create_intent(same, new)
    again = await payments.create_intent(same, new)
    assert (first.id, first.status, first.amount, first.currency) == (again.id, "requires_payment_method", 2_500, "EUR")
    assert first.metadata == new.metadata
    assert [found.id for found in await payments.list_intents(customer_id, EARLY)] == [first.id]


async def test_key_with_other_parameters_is_rejected(any_api: StripeApi) -> None:
    payments, customer_id, same = StripePayments(any_api), await new_customer(any_api), key()
    await payments.create_intent(same, intent_of(customer_id))
    with pytest.raises(StripeRejectedError) as caught:
        await payments.create_intent(same, intent_of(customer_id, amount=9_900))
    assert caught.value.code == "idempotency_error"


async def test_unknown_object_is_rejected_with_404(any_api: StripeApi) -> None:
    with pytest.raises(StripeRejectedError) as caught:
        await StripePayments(any_api).get_intent("pi_unknown")
    assert (caught.value.status, caught.value.code) == (404, "resource_missing")


async def test_paid_intent_has_its_charge_with_the_balance_line(api: StripeApi, control: StripeControl) -> None:
    intent = await paid_intent(api, control)
    assert (intent.status, intent.amount_received) == ("succeeded", 2_500)
    assert intent.charge
    assert intent.charge.balance
    line = intent.charge.balance
    assert (line.type, line.amount, line.net + line.fee) == ("charge", 2_500, 2_500)
    assert await StripePayments(api).get_charge_intent(intent.charge.id) == intent.id
    lines = [found async for found in StripeHistory(api).list_balance_lines(EARLY)]
    assert line in lines
    assert (
        sum(found.net for found in lines if found.currency == "EUR") == (await StripeHistory(api).get_balance())["EUR"]
    )


async def test_authorized_intent_is_captured_in_part(api: StripeApi, control: StripeControl) -> None:
    payments = StripePayments(api)
    created = await payments.create_intent(key(), intent_of(await new_customer(api), capture_method="manual"))
    await control.pay(created.id)
    authorized = await payments.get_intent(created.id)
    assert authorized.status == "requires_capture"
    assert authorized.charge
    assert authorized.charge.capture_before
    assert authorized.charge.capture_before - authorized.created > timedelta(days=4)
    captured = await payments.capture(key(), created.id, 2_000, "EUR")
    assert (captured.status, captured.amount_received) == ("succeeded", 2_000)


async def test_refund_is_listed_with_its_balance_line(api: StripeApi, control: StripeControl) -> None:
    payments, intent = StripePayments(api), await paid_intent(api, control)
    refund = await payments.create_refund(
        key(), NewRefund(intent_id=intent.id, amount=700, currency="EUR", metadata={})
    )
    assert (refund.amount, refund.intent_id) == (700, intent.id)
    found = await payments.list_refunds(intent.id)
    assert [(each.id, each.balance.amount if each.balance else None) for each in found] == [(refund.id, -700)]
    with pytest.raises(StripeRejectedError):
        await payments.create_refund(key(), NewRefund(intent_id=intent.id, amount=9_999, currency="EUR", metadata={}))


async def test_declined_saved_card_names_the_intent_that_stays(api: StripeApi, control: StripeControl) -> None:
    customers, customer_id = StripeCustomers(api), await new_customer(api)
    setup = await customers.create_setup(key(), customer_id, {})
    await control.pay(setup.id, "4000000000000341")
    method_id = (await customers.get_setup(setup.id)).method_id
    assert [card.id for card in await customers.list_cards(customer_id)] == [method_id]
    with pytest.raises(StripeDeclinedError) as caught:
        await StripePayments(api).create_intent(key(), intent_of(customer_id, method_id=method_id, off_session=True))
    assert caught.value.code == "card_declined"
    assert caught.value.intent_id
    assert (await StripePayments(api).get_intent(caught.value.intent_id)).status == "requires_payment_method"


@pytest.mark.parametrize("kind", ["error_500_before", "error_500_after", "conflict_409", "rate_limit_429"])
async def test_lasting_fault_leaves_the_outcome_unsure_and_a_repeat_makes_one_intent(
    api: StripeApi, control: StripeControl, kind: str
) -> None:
    payments, customer_id, same = StripePayments(api), await new_customer(api), key()
    new, before = intent_of(customer_id), FIGURES["stripe_calls", "payment_intents.create", "unsure"]
    await control.break_calls(kind, "POST", INTENTS, count=3)
    with pytest.raises(StripeUnsureError):
        await payments.create_intent(same, new)
    assert FIGURES["stripe_calls", "payment_intents.create", "unsure"] == before + 1
    await control.end_faults()
    if kind != "error_500_after":  # Stripe replays the stored 500 under its key
        await payments.create_intent(same, new)
    assert len(await payments.list_intents(customer_id, EARLY)) == 1


async def test_lost_reply_is_repeated_by_the_sdk_under_the_same_key(api: StripeApi, control: StripeControl) -> None:
    payments, customer_id = StripePayments(api), await new_customer(api)
    await control.break_calls("drop_reply_after", "POST", INTENTS, count=1)
    created = await payments.create_intent(key(), intent_of(customer_id))
    assert [found.id for found in await payments.list_intents(customer_id, EARLY)] == [created.id]


async def test_wrong_key_decides_nothing(stripe_settings: StripeSettings) -> None:
    api = StripeApi(StripeSettings(secret_key="sk_test_wrong", url=stripe_settings.url))
    with pytest.raises(StripeUnsureError, match="401"):
        await StripePayments(api).get_intent("pi_1")
    await api.close()


async def test_silent_server_is_given_up_within_the_bound(
    stripe_settings: StripeSettings, control: StripeControl
) -> None:
    api = StripeApi(StripeSettings(secret_key=stripe_settings.secret_key, url=stripe_settings.url, timeout_s=0.2))
    await control.break_calls("delay_s", "GET", f"{INTENTS}/pi_slow", count=9, seconds=30)
    with pytest.raises(StripeUnsureError, match="no answer"):
        await StripePayments(api).get_intent("pi_slow")
    await api.close()


async def test_events_are_listed_page_by_page(api: StripeApi) -> None:
    customers = StripeCustomers(api)
    ids = {await customers.create_customer(key(), uuid4(), "Ada", None) for _ in range(120)}
    events = [event async for event in StripeHistory(api).list_events(EARLY)]
    assert ids <= {event.object_id for event in events if event.type == "v1.customer.created"}
    assert len({event.id for event in events}) == len(events)
