"""Intents: amounts, captures, expiry, cancels, and confirmation by an app."""

import httpx
import pytest
import stripe

from tests.support.stripe import PUBLISHABLE_KEY, LocalStripe, StripeControl

_DAY_S = 86_400


async def _authorized(api: stripe.StripeClient, control: StripeControl, amount: int = 5000) -> str:
    made = await api.v1.payment_intents.create_async(
        {"amount": amount, "currency": "eur", "capture_method": "manual", "allowed_payment_method_types": ["card"]}
    )
    assert (await control.pay(made.id))["status"] == "requires_capture"
    return made.id


async def _charge(api: stripe.StripeClient, intent_id: str) -> stripe.Charge:
    intent = await api.v1.payment_intents.retrieve_async(intent_id, {"expand": ["latest_charge"]})
    assert isinstance(intent.latest_charge, stripe.Charge)
    return intent.latest_charge


async def test_partial_capture_collects_that_part_once(api: stripe.StripeClient, control: StripeControl) -> None:
    intent_id = await _authorized(api, control)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await api.v1.payment_intents.capture_async(intent_id, {"amount_to_capture": 5001})
    assert refused.value.code == "amount_too_large"
    captured = await api.v1.payment_intents.capture_async(intent_id, {"amount_to_capture": 3000})
    assert (captured.status, captured.amount_received, captured.amount_capturable) == ("succeeded", 3000, 0)
    charge = await _charge(api, intent_id)
    assert (charge.captured, charge.amount, charge.amount_captured) == (True, 5000, 3000)
    with pytest.raises(stripe.InvalidRequestError) as again:
        await api.v1.payment_intents.capture_async(intent_id)
    assert again.value.code == "payment_intent_unexpected_state"


async def test_authorization_by_the_customer_expires_after_seven_days(
    api: stripe.StripeClient, control: StripeControl
) -> None:
    intent_id = await _authorized(api, control)
    charge = await _charge(api, intent_id)
    assert charge.payment_method_details
    assert charge.payment_method_details.card
    assert charge.payment_method_details.card.capture_before == charge.created + 7 * _DAY_S
    await control.advance(7 * _DAY_S + 5)
    expired = await api.v1.payment_intents.retrieve_async(intent_id)
    assert (expired.status, expired.cancellation_reason) == ("canceled", "automatic")


async def test_authorization_off_session_lasts_four_days_and_18_hours(api: stripe.StripeClient, customer: str) -> None:
    method = await api.v1.payment_methods.attach_async("pm_card_visa", {"customer": customer})
    made = await api.v1.payment_intents.create_async(
        {
            "amount": 5000,
            "currency": "eur",
            "customer": customer,
            "payment_method": method.id,
            "capture_method": "manual",
            "off_session": True,
            "confirm": True,
            "allowed_payment_method_types": ["card"],
        }
    )
    charge = await _charge(api, made.id)
    assert charge.payment_method_details
    assert charge.payment_method_details.card
    assert charge.payment_method_details.card.capture_before == charge.created + 4 * _DAY_S + 18 * 3600


async def test_cancel_of_an_authorization_releases_it(api: stripe.StripeClient, control: StripeControl) -> None:
    intent_id = await _authorized(api, control)
    canceled = await api.v1.payment_intents.cancel_async(intent_id)
    assert (canceled.status, canceled.amount_capturable) == ("canceled", 0)
    assert (await _charge(api, intent_id)).balance_transaction is None
    with pytest.raises(stripe.InvalidRequestError):
        await api.v1.payment_intents.cancel_async(intent_id)


@pytest.mark.parametrize(
    ("amount", "currency", "code"),
    [
        (49, "eur", "amount_too_small"),
        (100_000_000, "eur", "amount_too_large"),
        (0, "eur", "parameter_invalid_integer"),
        (1050, "isk", None),
        (1005, "kwd", None),
        (1000, "xxx", None),
    ],
)
async def test_amount_that_stripe_does_not_take_is_refused(
    api: stripe.StripeClient, amount: int, currency: str, code: str | None
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await api.v1.payment_intents.create_async({"amount": amount, "currency": currency})
    assert refused.value.code == code


async def test_missing_and_mistyped_params_are_named(api: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as missing:
        await api.v1.payment_intents.create_async({"currency": "eur"})  # type: ignore[typeddict-item]
    assert (missing.value.code, missing.value.param) == ("parameter_missing", "amount")
    with pytest.raises(stripe.InvalidRequestError) as mistyped:
        await api.v1.payment_intents.create_async({"amount": "many", "currency": "eur"})  # type: ignore[typeddict-item]
    assert (mistyped.value.code, mistyped.value.param) == ("parameter_invalid_integer", "amount")


async def test_app_confirms_with_the_publishable_key_and_the_client_secret(
    api: stripe.StripeClient, server: LocalStripe
) -> None:
    made = await api.v1.payment_intents.create_async({"amount": 2000, "currency": "eur"})
    card = {"number": "4242 4242 4242 4242", "exp_month": "12", "exp_year": "2034", "cvc": "123"}
    form = {
        "key": PUBLISHABLE_KEY,
        "client_secret": made.client_secret,
        "return_url": "http://127.0.0.1/back",
        "payment_method_data[type]": "card",
        **{f"payment_method_data[card][{name}]": value for name, value in card.items()},
    }
    async with httpx.AsyncClient(base_url=server.url) as app:
        path = f"/v1/payment_intents/{made.id}"
        assert (await app.post(f"{path}/confirm", data=form | {"client_secret": "wrong"})).status_code == 400
        assert (await app.post(f"{path}/capture", data=form)).status_code == 401
        confirmed = await app.post(f"{path}/confirm", data=form)
        seen = await app.get(path, params={"key": PUBLISHABLE_KEY, "client_secret": made.client_secret})
    assert confirmed.json()["status"] == seen.json()["status"] == "succeeded"
    assert confirmed.headers["Access-Control-Allow-Origin"] == "*"


async def test_page_of_the_bank_approves_and_leads_back(api: stripe.StripeClient, control: StripeControl) -> None:
    made = await api.v1.payment_intents.create_async({"amount": 2000, "currency": "eur"})
    await control.call(
        "POST", "pay", {"intent": made.id, "number": "4000002760003184", "return_url": "http://127.0.0.1/back"}
    )
    waiting = await api.v1.payment_intents.retrieve_async(made.id)
    assert waiting.next_action
    assert waiting.next_action.redirect_to_url
    page = str(waiting.next_action.redirect_to_url.url)
    async with httpx.AsyncClient() as browser:
        assert "Approve" in (await browser.get(page)).text
        answer = await browser.post(page, data={"succeed": "true"})
    assert answer.headers["Location"].startswith(f"http://127.0.0.1/back?payment_intent={made.id}")
    assert (await api.v1.payment_intents.retrieve_async(made.id)).status == "succeeded"


async def test_asynchronous_capture_books_the_balance_a_moment_later(
    api: stripe.StripeClient, control: StripeControl
) -> None:
    made = await api.v1.payment_intents.create_async({"amount": 2000, "currency": "eur"})
    await control.pay(made.id)
    await control.advance(5)
    assert (await _charge(api, made.id)).balance_transaction


async def test_card_of_another_customer_is_refused(api: stripe.StripeClient, customer: str) -> None:
    other = await api.v1.customers.create_async({"name": "Bob"})
    method = await api.v1.payment_methods.attach_async("pm_card_visa", {"customer": other.id})
    with pytest.raises(stripe.InvalidRequestError):
        await api.v1.payment_intents.create_async(
            {"amount": 2000, "currency": "eur", "customer": customer, "payment_method": method.id}
        )


async def test_detached_card_cannot_be_charged(api: stripe.StripeClient, customer: str) -> None:
    method = await api.v1.payment_methods.attach_async("pm_card_visa", {"customer": customer})
    await api.v1.customers.update_async(customer, {"invoice_settings": {"default_payment_method": method.id}})
    await api.v1.payment_methods.detach_async(method.id)
    settings = (await api.v1.customers.retrieve_async(customer)).invoice_settings
    assert settings
    assert settings.default_payment_method is None
    with pytest.raises(stripe.InvalidRequestError):
        await api.v1.payment_intents.create_async(
            {"amount": 2000, "currency": "eur", "customer": customer, "payment_method": method.id}
        )


async def test_list_pages_through_all_intents_of_a_customer(api: stripe.StripeClient, customer: str) -> None:
    made = [
        (await api.v1.payment_intents.create_async({"amount": 2000, "currency": "eur", "customer": customer})).id
        for _ in range(5)
    ]
    page = await api.v1.payment_intents.list_async({"customer": customer, "limit": 2, "created": {"gte": 1}})
    assert page.has_more
    assert [intent.id async for intent in page.auto_paging_iter()] == made[::-1]
