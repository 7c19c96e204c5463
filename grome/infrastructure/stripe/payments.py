"""Intents, refunds and disputes at Stripe."""

from datetime import datetime
from typing import TYPE_CHECKING, Final

from grome.infrastructure.stripe.calls import stripe_call
from grome.infrastructure.stripe.client import StripeApi
from grome.infrastructure.stripe.models import StripeDispute, StripeIntent, StripeRefund
from grome.infrastructure.stripe.objects import (
    read_charge_intent,
    read_dispute,
    read_intent,
    read_refund,
    read_warned_charge,
)
from grome.infrastructure.stripe.pages import PAGE_SIZE, collect
from grome.infrastructure.stripe.requests import NewIntent, NewRefund
from grome.infrastructure.stripe.units import to_stripe

if TYPE_CHECKING:
    from stripe.params import PaymentIntentCreateParams, RefundCreateParams

_INTENT: Final = ["latest_charge.balance_transaction"]
_INTENTS: Final = ["data.latest_charge.balance_transaction"]
_REFUND: Final = ["balance_transaction", "failure_balance_transaction"]
_REFUNDS: Final = [f"data.{field}" for field in _REFUND]


class StripePayments:
    """Calls about money from customers. A writing method takes the idempotency key of its attempt first."""

    def __init__(self, api: StripeApi) -> None:
        self.api = api

    @stripe_call("payment_intents.create")
    async def create_intent(self, key: str, new: NewIntent) -> StripeIntent:
        """Create an intent that the customer confirms in the app, or charge a saved card at once.

        Cards include the wallets of Apple and Google. Raises StripeDeclinedError for a saved card that is declined.
        """
        params: PaymentIntentCreateParams = {
            "amount": to_stripe(new.amount, new.currency),
            "currency": new.currency.lower(),
            "customer": new.customer_id,
            "metadata": new.metadata,
            "transfer_group": new.transfer_group,
            "description": new.description,
            "capture_method": new.capture_method,
            "allowed_payment_method_types": ["card"],
            "expand": _INTENT,
        }
        if new.method_id:
            params["payment_method"] = new.method_id
        if new.off_session:
            params["off_session"], params["confirm"] = True, True
        if new.save_card:
            params["setup_future_usage"] = "off_session"
        created = await self.api.client.v1.payment_intents.create_async(params, {"idempotency_key": key})
        return read_intent(created)

    @stripe_call("payment_intents.retrieve")
    async def get_intent(self, intent_id: str) -> StripeIntent:
        return read_intent(await self.api.client.v1.payment_intents.retrieve_async(intent_id, {"expand": _INTENT}))

    async def list_intents(self, customer_id: str, since: datetime) -> list[StripeIntent]:
        """List a customer's intents created since then, the newest first."""
        return await collect(lambda after: self._intent_page(customer_id, since, after))

    @stripe_call("payment_intents.list")
    async def _intent_page(self, customer_id: str, since: datetime, after: str | None) -> list[StripeIntent]:
        page = await self.api.client.v1.payment_intents.list_async(
            {
                "customer": customer_id,
                "created": {"gte": int(since.timestamp())},
                "limit": PAGE_SIZE,
                "expand": _INTENTS,
                **({"starting_after": after} if after else {}),
            }
        )
        return [read_intent(item) for item in page.data]

    @stripe_call("payment_intents.capture")
    async def capture(self, key: str, intent_id: str, amount: int, currency: str) -> StripeIntent:
        """Collect an authorized amount, or a part of it. The rest of the authorization is released."""
        captured = await self.api.client.v1.payment_intents.capture_async(
            intent_id, {"amount_to_capture": to_stripe(amount, currency), "expand": _INTENT}, {"idempotency_key": key}
        )
        return read_intent(captured)

    @stripe_call("payment_intents.cancel")
    async def cancel(self, key: str, intent_id: str) -> StripeIntent:
        """Cancel an intent that has not succeeded. Raises StripeRejectedError if it has, or is canceled already."""
        canceled = await self.api.client.v1.payment_intents.cancel_async(
            intent_id, {"expand": _INTENT}, {"idempotency_key": key}
        )
        return read_intent(canceled)

    @stripe_call("charges.retrieve")
    async def get_charge_intent(self, charge_id: str) -> str | None:
        """Return the id of the intent that a charge belongs to; None if there is none."""
        return read_charge_intent(await self.api.client.v1.charges.retrieve_async(charge_id))

    @stripe_call("radar.early_fraud_warnings.retrieve")
    async def get_fraud_warning_charge(self, warning_id: str) -> str:
        """Return the id of the charge that an early fraud warning is about."""
        return read_warned_charge(await self.api.client.v1.radar.early_fraud_warnings.retrieve_async(warning_id))

    @stripe_call("refunds.create")
    async def create_refund(self, key: str, new: NewRefund) -> StripeRefund:
        params: RefundCreateParams = {
            "payment_intent": new.intent_id,
            "amount": to_stripe(new.amount, new.currency),
            "metadata": new.metadata,
            "expand": _REFUND,
        }
        if new.reason:
            params["reason"] = new.reason
        return read_refund(await self.api.client.v1.refunds.create_async(params, {"idempotency_key": key}))

    @stripe_call("refunds.retrieve")
    async def get_refund(self, refund_id: str) -> StripeRefund:
        return read_refund(await self.api.client.v1.refunds.retrieve_async(refund_id, {"expand": _REFUND}))

    async def list_refunds(self, intent_id: str) -> list[StripeRefund]:
        return await collect(lambda after: self._refund_page(intent_id, after))

    @stripe_call("refunds.list")
    async def _refund_page(self, intent_id: str, after: str | None) -> list[StripeRefund]:
        page = await self.api.client.v1.refunds.list_async(
            {
                "payment_intent": intent_id,
                "limit": PAGE_SIZE,
                "expand": _REFUNDS,
                **({"starting_after": after} if after else {}),
            }
        )
        return [read_refund(item) for item in page.data]

    @stripe_call("disputes.retrieve")
    async def get_dispute(self, dispute_id: str) -> StripeDispute:
        return read_dispute(await self.api.client.v1.disputes.retrieve_async(dispute_id))
