"""Bring payments to the state of their objects at Stripe, which are always read afresh."""

from uuid import UUID

from loguru import logger

from grome.common.actor import Actor
from grome.common.errors import NotFound, Unavailable
from grome.infrastructure.mongo.access import visible_to
from grome.infrastructure.outbox.models import EventType
from grome.infrastructure.stripe.customers import StripeCustomers
from grome.infrastructure.stripe.errors import StripeUnsureError
from grome.infrastructure.stripe.models import StripeDispute
from grome.infrastructure.stripe.payments import StripePayments
from grome.payments.attempts import AttemptRunner
from grome.payments.models import Operation, Payment, RefundState
from grome.payments.refund_changes import change_from_dispute
from grome.payments.repository import PaymentRepository
from grome.payments.schemas import PaymentOut, payment_out
from grome.payments.settler import PaymentSettler
from grome.payments.updates import Happening, PaymentChange, PaymentUpdater

_MOVING: frozenset[RefundState] = frozenset({RefundState.PENDING, RefundState.REQUIRES_ACTION})


class PaymentSync:
    """Handles notifications of Stripe, and looks at payments on request; both read the objects anew.

    Notifications carry no state, so duplicates and disorder change nothing. Objects of other
    programs on the same Stripe account are ignored. Methods raise StripeUnsureError if Stripe does not answer.
    """

    def __init__(
        self,
        payments: PaymentRepository,
        updater: PaymentUpdater,
        attempts: AttemptRunner,
        settler: PaymentSettler,
        intents: StripePayments,
        customers: StripeCustomers,
    ) -> None:
        self._payments, self._updater, self._attempts, self._settler = payments, updater, attempts, settler
        self._intents, self._customers = intents, customers

    async def look(self, payment_id: UUID) -> Payment:
        """Read all objects of the payment that may still change, apply them, and settle the booking.

        Raises NotFound.
        """
        payment = await self._payments.find({}, payment_id)
        if payment is None:
            raise NotFound
        if payment.attempt and payment.attempt.op is not Operation.CANCEL:
            payment = await self._attempts.run(payment)
        if payment.intent_id:
            payment = await self._attempts.apply(payment.id, await self._intents.get_intent(payment.intent_id))
        elif payment.setup_id:
            payment = await self._attempts.apply(payment.id, await self._customers.get_setup(payment.setup_id))
        for refund in payment.refunds:
            if refund.stripe_id and refund.state in _MOVING:
                await self._attempts.apply(payment.id, await self._intents.get_refund(refund.stripe_id))
        if payment.dispute and payment.dispute.is_open:
            await self._apply_dispute(payment, await self._intents.get_dispute(payment.dispute.id))
        await self._settler.settle(payment.booking_id)
        return await self._get(payment_id)

    async def refresh(self, actor: Actor, payment_id: UUID) -> PaymentOut:
        """Read the payment at Stripe. Raises NotFound, and Unavailable if Stripe does not answer."""
        if await self._payments.find(visible_to(actor), payment_id) is None:
            raise NotFound
        try:
            return payment_out(await self.look(payment_id))
        except StripeUnsureError:
            raise Unavailable("Stripe does not answer; try again soon.") from None

    async def intent_changed(self, intent_id: str) -> None:
        intent = await self._intents.get_intent(intent_id)
        payment = await self._find_payment(intent_id, intent.metadata)
        if payment and payment.intent_id in {None, intent_id}:
            await self._attempts.apply(payment.id, intent)
            await self._settler.settle(payment.booking_id)

    async def setup_changed(self, setup_id: str) -> None:
        setup = await self._customers.get_setup(setup_id)
        if setup.status == "succeeded" and setup.method_id and "user_id" in setup.metadata:
            await self._payments.set_first_card(setup.customer_id or "", setup.method_id)
        payment = await self._find_payment(None, setup.metadata)
        if payment and payment.setup_id in {None, setup_id}:
            await self._attempts.apply(payment.id, setup)
            await self._settler.settle(payment.booking_id)

    async def charge_changed(self, charge_id: str) -> None:
        intent_id = await self._intents.get_charge_intent(charge_id)
        if intent_id:
            await self.intent_changed(intent_id)

    async def refund_changed(self, refund_id: str) -> None:
        refund = await self._intents.get_refund(refund_id)
        payment = await self._find_payment(refund.intent_id, refund.metadata)
        if payment:
            await self._attempts.apply(payment.id, refund)
            await self._settler.settle(payment.booking_id)

    async def dispute_changed(self, dispute_id: str) -> None:
        dispute = await self._intents.get_dispute(dispute_id)
        payment = await self._find_by_charge(dispute.charge_id)
        if payment:
            await self._apply_dispute(payment, dispute)
            await self._settler.settle(payment.booking_id)

    async def fraud_warning(self, warning_id: str) -> None:
        """Record an early fraud warning once, so that admins can refund before a dispute follows."""
        payment = await self._find_by_charge(await self._intents.get_fraud_warning_charge(warning_id))
        if payment:
            await self._updater.update(
                payment.id,
                lambda current, _: (
                    None
                    if current.fraud_warning
                    else PaymentChange(
                        state=current.state,
                        fields={"fraud_warning": True},
                        happenings=[Happening(EventType.PAYMENT_FRAUD_WARNING, current.received)],
                    )
                ),
            )

    async def _find_by_charge(self, charge_id: str) -> Payment | None:
        """Return the payment of a charge, which may not know its charge yet: events arrive in any order."""
        payment = await self._payments.find_by_charge(charge_id)
        if payment is None:
            await self.charge_changed(charge_id)
            payment = await self._payments.find_by_charge(charge_id)
        return payment

    async def _apply_dispute(self, payment: Payment, dispute: StripeDispute) -> None:
        await self._updater.update(payment.id, lambda current, now: change_from_dispute(current, dispute, now))

    async def _find_payment(self, intent_id: str | None, metadata: dict[str, str]) -> Payment | None:
        payment_id = metadata.get("payment_id")
        if payment_id:
            try:
                return await self._payments.find({}, UUID(payment_id))
            except ValueError:
                logger.warning("Stripe names a payment {!r}, which is no id", payment_id)
                return None
        return await self._payments.find_by_intent(intent_id) if intent_id else None

    async def _get(self, payment_id: UUID) -> Payment:
        payment = await self._payments.find({}, payment_id)
        if payment is None:
            raise NotFound
        return payment
