"""Each of Stripe's test cards: on session, off session, and saved."""

import pytest
import stripe

from tests.support.stripe import StripeControl

_SUCCEEDED = ("succeeded", None)
_ASKS = ("requires_action", None)
_REFUSED = ("requires_payment_method", "authentication_required")


def _declined(code: str) -> tuple[str, str]:
    return "requires_payment_method", code


async def _intent(api: stripe.StripeClient, customer: str) -> str:
    made = await api.v1.payment_intents.create_async(
        {
            "amount": 2000,
            "currency": "eur",
            "customer": customer,
            "capture_method": "automatic",
            "allowed_payment_method_types": ["card"],
        }
    )
    return made.id


async def _state(api: stripe.StripeClient, intent_id: str) -> tuple[str, str | None]:
    intent = await api.v1.payment_intents.retrieve_async(intent_id)
    error = intent.last_payment_error.to_dict() if intent.last_payment_error else {}
    return intent.status, error.get("decline_code", error.get("code"))


@pytest.mark.parametrize(
    ("number", "first", "approved"),
    [
        ("4242424242424242", _SUCCEEDED, None),
        ("4000000000000002", _declined("generic_decline"), None),
        ("4000000000009995", _declined("insufficient_funds"), None),
        ("4000000000009987", _declined("lost_card"), None),
        ("4000000000009979", _declined("stolen_card"), None),
        ("4000000000000069", _declined("expired_card"), None),
        ("4000000000000127", _declined("incorrect_cvc"), None),
        ("4000000000000119", _declined("processing_error"), None),
        ("4000000000000341", _declined("generic_decline"), None),
        ("4000002500003155", _ASKS, _SUCCEEDED),
        ("4000002760003184", _ASKS, _SUCCEEDED),
        ("4000003800000446", _ASKS, _SUCCEEDED),
        ("4000008260003178", _ASKS, _declined("insufficient_funds")),
        ("4000000000003220", _ASKS, _SUCCEEDED),
        ("4000008400001629", _ASKS, _declined("generic_decline")),
    ],
)
async def test_card_paid_in_the_app_ends_as_stripe_says(
    api: stripe.StripeClient,
    control: StripeControl,
    customer: str,
    number: str,
    first: tuple[str, str | None],
    approved: tuple[str, str | None] | None,
) -> None:
    intent_id = await _intent(api, customer)
    await control.pay(intent_id, number)
    assert await _state(api, intent_id) == first
    if approved:
        await control.authenticate(intent_id)
        assert await _state(api, intent_id) == approved


@pytest.mark.parametrize(
    ("number", "setup", "later"),
    [
        ("4242424242424242", "succeeded", _SUCCEEDED),
        ("4000000000000341", "succeeded", _declined("generic_decline")),
        ("4000002500003155", "requires_action", _SUCCEEDED),
        ("4000002760003184", "requires_action", _REFUSED),
        ("4000003800000446", "requires_action", _SUCCEEDED),
    ],
)
async def test_card_saved_first_is_charged_off_session_as_stripe_says(
    api: stripe.StripeClient,
    control: StripeControl,
    customer: str,
    number: str,
    setup: str,
    later: tuple[str, str | None],
) -> None:
    made = await api.v1.setup_intents.create_async(
        {"customer": customer, "usage": "off_session", "allowed_payment_method_types": ["card"]}
    )
    assert (await control.pay(made.id, number))["status"] == setup
    if setup == "requires_action":
        await control.authenticate(made.id)
    saved = await api.v1.payment_methods.list_async({"customer": customer, "type": "card"})
    assert [method.id for method in saved.data] == [(await api.v1.setup_intents.retrieve_async(made.id)).payment_method]
    params: stripe.params.PaymentIntentCreateParams = {
        "amount": 2000,
        "currency": "eur",
        "customer": customer,
        "payment_method": saved.data[0].id,
        "off_session": True,
        "confirm": True,
        "allowed_payment_method_types": ["card"],
    }
    if later == _SUCCEEDED:
        assert (await api.v1.payment_intents.create_async(params)).status == "succeeded"
        return
    with pytest.raises(stripe.CardError) as declined:
        await api.v1.payment_intents.create_async(params)
    error = declined.value.json_body["error"]
    assert await _state(api, error["payment_intent"]["id"]) == later


async def test_setup_with_a_declined_card_fails(
    api: stripe.StripeClient, control: StripeControl, customer: str
) -> None:
    made = await api.v1.setup_intents.create_async({"customer": customer})
    assert (await control.pay(made.id, "4000000000000002"))["error"]["decline_code"] == "generic_decline"
    failed = await api.v1.setup_intents.retrieve_async(made.id)
    assert failed.status == "requires_payment_method"
    assert failed.last_setup_error
    assert failed.last_setup_error.code == "card_declined"


async def test_3d_secure_refused_by_the_customer_leaves_the_intent_for_another_card(
    api: stripe.StripeClient, control: StripeControl, customer: str
) -> None:
    intent_id = await _intent(api, customer)
    await control.pay(intent_id, "4000002760003184")
    await control.authenticate(intent_id, succeed=False)
    assert await _state(api, intent_id) == _declined("payment_intent_authentication_failure")
    await control.pay(intent_id)
    assert await _state(api, intent_id) == _SUCCEEDED


@pytest.mark.parametrize(
    ("number", "reason", "status", "withdrawn"),
    [
        ("4000000000000259", "fraudulent", "needs_response", True),
        ("4000000000002685", "product_not_received", "needs_response", True),
        ("4000000000001976", "fraudulent", "warning_needs_response", False),
    ],
)
async def test_disputed_card_opens_a_dispute(
    api: stripe.StripeClient,
    control: StripeControl,
    customer: str,
    number: str,
    reason: str,
    status: str,
    *,
    withdrawn: bool,
) -> None:
    intent_id = await _intent(api, customer)
    await control.pay(intent_id, number)
    await control.advance(5)
    [dispute] = (await api.v1.disputes.list_async({"payment_intent": intent_id})).data
    assert (dispute.reason, dispute.status) == (reason, status)
    assert [line.amount for line in dispute.balance_transactions] == ([-2000] if withdrawn else [])


@pytest.mark.parametrize(
    ("evidence", "status", "net"), [("winning_evidence", "won", 0), ("losing_evidence", "lost", -4000)]
)
async def test_evidence_decides_a_dispute(
    api: stripe.StripeClient, control: StripeControl, customer: str, evidence: str, status: str, net: int
) -> None:
    intent_id = await _intent(api, customer)
    await control.pay(intent_id, "4000000000000259")
    await control.advance(5)
    [dispute] = (await api.v1.disputes.list_async({"payment_intent": intent_id})).data
    await api.v1.disputes.update_async(dispute.id, {"evidence": {"uncategorized_text": evidence}, "submit": True})
    await control.advance(3600)
    ended = await api.v1.disputes.retrieve_async(dispute.id)
    assert ended.status == status
    assert sum(line.net for line in ended.balance_transactions) == net


async def test_early_fraud_card_brings_a_warning(
    api: stripe.StripeClient, control: StripeControl, customer: str
) -> None:
    intent_id = await _intent(api, customer)
    await control.pay(intent_id, "4000000000005423")
    await control.advance(5)
    [warning] = (await api.v1.radar.early_fraud_warnings.list_async({"payment_intent": intent_id})).data
    assert warning.actionable


@pytest.mark.parametrize(("number", "at_once"), [("4000000000000077", True), ("4242424242424242", False)])
async def test_money_is_available_at_once_only_from_the_card_for_that(
    api: stripe.StripeClient, control: StripeControl, customer: str, number: str, *, at_once: bool
) -> None:
    intent_id = await _intent(api, customer)
    await control.pay(intent_id, number)
    intent = await api.v1.payment_intents.retrieve_async(intent_id, {"expand": ["latest_charge.balance_transaction"]})
    assert isinstance(intent.latest_charge, stripe.Charge)
    line = intent.latest_charge.balance_transaction
    assert isinstance(line, stripe.BalanceTransaction)
    assert (line.amount, line.fee, line.net) == (2000, 55, 1945)
    assert line.status == ("available" if at_once else "pending")
    if not at_once:
        await control.advance(3 * 86_400)
        assert (await api.v1.balance_transactions.retrieve_async(line.id)).status == "available"
