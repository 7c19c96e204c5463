"""Refunds and other actions of admins on payments, each with its reason."""

from datetime import datetime
from uuid import UUID

from grome.common.actor import Actor
from grome.common.errors import NotFound, Unavailable
from grome.infrastructure.outbox.models import EventType
from grome.infrastructure.stripe.errors import StripeUnsureError
from grome.infrastructure.stripe.units import charge_step, floor_to_step
from grome.payments.attempts import AttemptRunner
from grome.payments.books import split_of
from grome.payments.errors import NotRefundable, PaymentBusy, WrongPaymentState
from grome.payments.models import MAX_REFUNDS, Payment, PaymentState, Refund, RefundState, refund_id_for
from grome.payments.refund_changes import change_beginning_refund
from grome.payments.repository import PaymentRepository
from grome.payments.schemas import PaymentOut, ReasonIn, RefundIn, payment_out
from grome.payments.settler import PaymentSettler
from grome.payments.updates import Happening, PaymentChange, PaymentUpdater

_UNCOLLECTED = frozenset({PaymentState.FAILED, PaymentState.REQUIRES_ACTION})


class Refunds:
    def __init__(
        self,
        payments: PaymentRepository,
        updater: PaymentUpdater,
        attempts: AttemptRunner,
        settler: PaymentSettler,
    ) -> None:
        self._payments, self._updater, self._attempts, self._settler = payments, updater, attempts, settler

    async def refund(self, actor: Actor, payment_id: UUID, wanted: RefundIn, key: str | None) -> PaymentOut:
        """Refund a part or all of a payment. The same key and amount again changes nothing.

        Raises NotFound, NotRefundable, PaymentBusy, WrongPaymentState while a dispute is open, and Unavailable if
        Stripe does not answer: the refund then continues by itself.
        """
        payment = await self._payments.find({}, payment_id)
        if payment is None:
            raise NotFound
        refund_id = refund_id_for(payment_id, f"admin:{key or payment.version}")

        def rule(current: Payment, now: datetime) -> PaymentChange | None:
            known = next((refund for refund in current.refunds if refund.id == refund_id), None)
            if known:
                if known.amount != wanted.amount:
                    raise NotRefundable("The idempotency key belongs to a refund of another amount.")
                return None
            _check_refundable(current, wanted.amount)
            refund = Refund(
                id=refund_id,
                amount=wanted.amount,
                split=split_of(current, wanted.amount, goodwill=wanted.goodwill),
                state=RefundState.PENDING,
                reason=wanted.reason,
                by=actor.id,
                at=now,
                key=key,
            )
            return change_beginning_refund(current, refund, now)

        payment = await self._updater.update(payment_id, rule)
        try:
            await self._attempts.run(payment)
            await self._settler.settle(payment.booking_id)
        except StripeUnsureError:
            raise Unavailable("Stripe does not answer; the refund continues by itself.") from None
        return await self._read(payment_id)

    async def write_off(self, actor: Actor, payment_id: UUID, wanted: ReasonIn) -> PaymentOut:
        """Give up a payment that was declined; it is not charged again.

        Raises NotFound, and WrongPaymentState if the payment is not declined.
        """

        def rule(current: Payment, _: datetime) -> PaymentChange | None:
            if current.state is PaymentState.CANCELED:
                return None
            if current.state not in _UNCOLLECTED or current.attempt or current.intent_id:
                raise WrongPaymentState(f"The payment is {current.state.value}.")
            written_off = Happening(EventType.PAYMENT_CANCELED, current.amount, wanted.reason, actor.id)
            return PaymentChange(state=PaymentState.CANCELED, happenings=[written_off])

        await self._updater.update(payment_id, rule)
        return await self._read(payment_id)

    async def _read(self, payment_id: UUID) -> PaymentOut:
        payment = await self._payments.find({}, payment_id)
        if payment is None:
            raise NotFound
        return payment_out(payment)


def _check_refundable(payment: Payment, amount: int) -> None:
    if payment.attempt:
        raise PaymentBusy
    if payment.dispute and payment.dispute.is_open:
        raise WrongPaymentState("The payment is disputed: the bank decides about the money.")
    if amount > payment.kept:
        raise NotRefundable(f"At most {payment.kept} minor units can be refunded.")
    if amount != floor_to_step(amount, charge_step(payment.currency)):
        raise NotRefundable(f"{payment.currency} cannot be refunded in so small units.")
    if len(payment.refunds) >= MAX_REFUNDS:
        raise NotRefundable(f"A payment has at most {MAX_REFUNDS} refunds.")
