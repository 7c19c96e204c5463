"""Run operations at Stripe: store the decision first, and repeat the call under one key until it is answered.

A process that dies between the decision and the answer loses nothing: the operation stays stored, and any process
repeats it under the same idempotency key. Stripe may forget a key after 24 hours, so an older operation is resolved by
listing the objects that it would have made, and is never sent again under its key.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from loguru import logger

from grome.common.clock import Clock
from grome.infrastructure.mongo.client import Document, to_document
from grome.infrastructure.stripe.customers import StripeCustomers
from grome.infrastructure.stripe.errors import StripeDeclinedError, StripeRejectedError, StripeUnsureError
from grome.infrastructure.stripe.models import StripeIntent, StripeRefund, StripeSetup
from grome.infrastructure.stripe.payments import StripePayments
from grome.infrastructure.stripe.requests import NewIntent, NewRefund
from grome.payments.errors import WrongPaymentState
from grome.payments.intents import change_from_decline, change_from_intent, change_from_rejection, change_from_setup
from grome.payments.models import Attempt, Operation, Payment, Purpose
from grome.payments.refund_changes import change_from_refund, change_from_refund_rejection
from grome.payments.updates import ChangeRule, PaymentChange, PaymentUpdater

# Below the 24 hours for which Stripe keeps idempotency keys at least.
_KEY_LIFE: Final = timedelta(hours=23)
_FIRST_TRY: Final = timedelta(seconds=30)
_CLOCK_MARGIN: Final = timedelta(hours=1)
_CREATING: Final = frozenset({Operation.CREATE, Operation.CHARGE_SAVED})
_SAVES_CARD: Final = frozenset({Purpose.DEPOSIT, Purpose.VISIT})

Answer = StripeIntent | StripeSetup | StripeRefund


class AttemptRunner:
    def __init__(
        self, updater: PaymentUpdater, intents: StripePayments, customers: StripeCustomers, clock: Clock
    ) -> None:
        self._updater, self._intents, self._customers, self._clock = updater, intents, customers, clock

    async def begin(self, payment: Payment, op: Operation, amount: int = 0, *, is_manual: bool = False) -> Payment:
        """Store an operation of the payment, and run it.

        Nothing begins if the payment has changed since it was read. Raises WrongPaymentState if another operation is
        under way, and StripeUnsureError if the outcome is unknown: the operation is then run again later.
        """
        version = payment.version

        def rule(current: Payment, now: datetime) -> PaymentChange | None:
            if current.version != version:
                return None
            if current.attempt:
                raise WrongPaymentState("Another operation of the payment is under way.")
            return PaymentChange(
                state=current.state, fields=fields_of_attempt(current, op, now, amount, is_manual=is_manual)
            )

        stored = await self._updater.update(payment.id, rule)
        return await self.run(stored) if stored.attempt else stored

    async def run(self, payment: Payment) -> Payment:
        """Run the operation under way of the payment, and apply the answer.

        Raises StripeUnsureError if the outcome is unknown.
        """
        attempt = payment.attempt
        if attempt is None:
            return payment
        if self._clock() - attempt.at > _KEY_LIFE:
            return await self._resolve(payment, attempt)
        try:
            answer = await self._call(payment, attempt)
        except StripeUnsureError:
            # Stripe answers a key with the same 500 again, even if the work was done.
            found = await self._find_outcome(payment, attempt) if self._is_repeated(attempt) else None
            if found is None:
                if attempt.op is Operation.SET_UP and self._is_repeated(attempt):
                    await self._renew(payment, attempt)  # a second SetupIntent that nobody uses does no harm
                raise
            answer = found
        except StripeDeclinedError as error:
            return await self._apply_decline(payment, attempt, error)
        except StripeRejectedError as error:
            return await self._apply_rejection(payment, attempt, error)
        return await self.apply(payment.id, answer)

    async def apply(self, payment_id: UUID, answer: Answer) -> Payment:
        """Bring the payment to the state of an object at Stripe."""

        def rule(current: Payment, now: datetime) -> PaymentChange | None:
            match answer:
                case StripeIntent():
                    return change_from_intent(current, answer, now)
                case StripeSetup():
                    return change_from_setup(current, answer)
                case StripeRefund():
                    return change_from_refund(current, answer, now)

        return await self._updater.update(payment_id, rule)

    def _is_repeated(self, attempt: Attempt) -> bool:
        return self._clock() - attempt.at > _FIRST_TRY

    async def _call(self, payment: Payment, attempt: Attempt) -> Answer:
        key = attempt.key_of(payment.id)
        match attempt.op:
            case Operation.CREATE | Operation.CHARGE_SAVED:
                return await self._intents.create_intent(key, _new_intent(payment, attempt))
            case Operation.SET_UP:
                return await self._customers.create_setup(key, payment.stripe_customer, _metadata(payment, attempt))
            case Operation.CAPTURE:
                return await self._intents.capture(key, payment.intent_id or "", attempt.amount, payment.currency)
            case Operation.CANCEL if payment.intent_id:
                return await self._intents.cancel(key, payment.intent_id)
            case Operation.CANCEL:
                return await self._customers.cancel_setup(key, payment.setup_id or "")
            case Operation.REFUND:
                return await self._intents.create_refund(key, _new_refund(payment, attempt))

    async def _apply_decline(self, payment: Payment, attempt: Attempt, error: StripeDeclinedError) -> Payment:
        """A declined refund or capture is a rejection; a declined charge waits for another card."""
        if attempt.op not in _CREATING:
            return await self._apply_rejection(
                payment, attempt, StripeRejectedError(error.code, error.message, None, 402)
            )
        return await self._conclude(payment, attempt, lambda current, _: change_from_decline(current, error))

    async def _apply_rejection(self, payment: Payment, attempt: Attempt, error: StripeRejectedError) -> Payment:
        """Apply a final rejection. A capture or a cancellation depends on the intent, so its state is read."""
        logger.warning("Stripe rejects {} of payment {}: {}", attempt.op, payment.id, error)
        refund_id = attempt.refund_id
        if error.code == "idempotency_error":  # the parameters differ from the first call's, e.g. after a deployment
            return await self._resolve(payment, attempt)
        if refund_id:
            if error.code == "balance_insufficient":
                return await self._renew(payment, attempt)
            return await self._conclude(
                payment,
                attempt,
                lambda current, now: change_from_refund_rejection(current, refund_id, str(error), now),
            )
        if attempt.op in _CREATING or attempt.op is Operation.SET_UP:
            return await self._conclude(payment, attempt, lambda current, _: change_from_rejection(current, error))
        return await self._resolve(payment, attempt)

    async def _resolve(self, payment: Payment, attempt: Attempt) -> Payment:
        """Find the outcome of an operation by reading objects; if it was never done, store it under a new key."""
        found = await self._find_outcome(payment, attempt)
        if found:
            payment = await self.apply(payment.id, found)
        return await self._renew(payment, attempt) if payment.attempt == attempt else payment

    async def _find_outcome(self, payment: Payment, attempt: Attempt) -> Answer | None:
        if attempt.op in _CREATING:
            since = attempt.at - _CLOCK_MARGIN
            listed = await self._intents.list_intents(payment.stripe_customer, since)
            wanted = {"payment_id": str(payment.id), "attempt": str(attempt.n)}
            return next((each for each in listed if wanted.items() <= each.metadata.items()), None)
        if attempt.refund_id:
            refunds = await self._intents.list_refunds(payment.intent_id or "")
            wanted_id = str(attempt.refund_id)
            return next((each for each in refunds if each.metadata.get("refund_id") == wanted_id), None)
        if payment.intent_id:
            return await self._intents.get_intent(payment.intent_id)
        return await self._customers.get_setup(payment.setup_id) if payment.setup_id else None

    async def _renew(self, payment: Payment, attempt: Attempt) -> Payment:
        """Store the operation under a new key; it runs at the next look at the payment."""

        def rule(current: Payment, now: datetime) -> PaymentChange | None:
            if current.attempt != attempt:
                return None
            return PaymentChange(
                state=current.state,
                fields=fields_of_attempt(
                    current,
                    attempt.op,
                    now,
                    attempt.amount,
                    is_manual=attempt.is_manual,
                    refund_id=attempt.refund_id,
                ),
            )

        return await self._updater.update(payment.id, rule)

    async def _conclude(self, payment: Payment, attempt: Attempt, change: ChangeRule) -> Payment:
        def rule(current: Payment, now: datetime) -> PaymentChange | None:
            return change(current, now) if current.attempt == attempt else None

        return await self._updater.update(payment.id, rule)


def fields_of_attempt(
    payment: Payment,
    op: Operation,
    now: datetime,
    amount: int = 0,
    *,
    is_manual: bool = False,
    refund_id: UUID | None = None,
) -> Document:
    """Return the fields that store the next operation of the payment."""
    attempt = Attempt(n=payment.attempts + 1, op=op, at=now, amount=amount, refund_id=refund_id, is_manual=is_manual)
    return {"attempt": to_document(attempt), "attempts": attempt.n}


def _new_intent(payment: Payment, attempt: Attempt) -> NewIntent:
    is_away = attempt.op is Operation.CHARGE_SAVED
    return NewIntent(
        amount=attempt.amount,
        currency=payment.currency,
        customer_id=payment.stripe_customer,
        metadata=_metadata(payment, attempt),
        capture_method="manual" if attempt.is_manual else "automatic",
        method_id=payment.method_id if is_away else None,
        off_session=is_away,
        save_card=not is_away and payment.purpose in _SAVES_CARD,
        transfer_group=str(payment.booking_id),
        description=f"Booking {payment.booking_id}: {payment.purpose.value}",
    )


def _new_refund(payment: Payment, attempt: Attempt) -> NewRefund:
    return NewRefund(
        intent_id=payment.intent_id or "",
        amount=attempt.amount,
        currency=payment.currency,
        metadata=_metadata(payment, attempt),
        reason="requested_by_customer",
    )


def _metadata(payment: Payment, attempt: Attempt) -> dict[str, str]:
    refund = {"refund_id": str(attempt.refund_id)} if attempt.refund_id else {}
    return {
        "payment_id": str(payment.id),
        "booking_id": str(payment.booking_id),
        "purpose": payment.purpose.value,
        "attempt": str(attempt.n),
        **refund,
    }
