"""Take the steps that bring the payments of a booking to its state (`settlement.py` decides about them)."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from grome.bookings.models import Action, Booking, PaymentStatus, find_newest_entry
from grome.bookings.payment_projection import PaymentProjector
from grome.bookings.queries import BookingQueries
from grome.common.clock import Clock
from grome.common.ids import new_id
from grome.infrastructure.mongo.transactions import Transactions
from grome.infrastructure.outbox.models import EventType
from grome.ledger import postings
from grome.ledger.rules import commission_on, commission_share
from grome.ledger.service import Ledger
from grome.payments.attempts import AttemptRunner
from grome.payments.books import split_of
from grome.payments.models import (
    COLLECTED,
    Attempt,
    Mode,
    Operation,
    Payment,
    PaymentEntry,
    PaymentState,
    Purpose,
    Refund,
    RefundState,
    StripeCustomer,
    payment_id_for,
    refund_id_for,
)
from grome.payments.refund_changes import change_beginning_refund
from grome.payments.repository import PaymentRepository
from grome.payments.settlement import (
    CLOSABLE,
    BeginOperation,
    BeginRefund,
    ChargeFee,
    Close,
    FundPromo,
    Payments,
    Release,
    RunAttempt,
    Step,
    next_check,
    next_step,
)
from grome.payments.updates import Happening, PaymentChange, PaymentUpdater

# Four payments of a booking need some steps each; a longer run is a mistake, and goes on at the next look.
_MAX_STEPS: Final = 40
_STUCK_AFTER: Final = timedelta(minutes=10)


class PaymentSettler:
    def __init__(
        self,
        payments: PaymentRepository,
        updater: PaymentUpdater,
        attempts: AttemptRunner,
        bookings: BookingQueries,
        projector: PaymentProjector,
        books: tuple[Ledger, Transactions],
        clock: Clock,
    ) -> None:
        self._payments, self._updater, self._attempts = payments, updater, attempts
        self._bookings, self._projector, self._clock = bookings, projector, clock
        self._ledger, self._transactions = books

    async def settle(self, booking_id: UUID) -> None:
        """Take all steps that are due, and bring the payment fields of the booking up to date.

        Raises StripeUnsureError if the outcome of a step is unknown: the next call repeats the step.
        """
        for _ in range(_MAX_STEPS):
            booking = (await self._bookings.find_many([booking_id])).get(booking_id)
            if booking is None:
                return
            payments = {payment.purpose: payment for payment in await self._payments.list_for_booking(booking_id)}
            step = next_step(
                booking,
                payments,
                self._clock(),
                is_promo_funded=await self._is_promo_funded(booking),
                has_default_card=await self._find_default_card(booking) is not None,
            )
            if step:
                await self._take(booking, step)
                continue
            projected = await self._project(booking, payments)
            if projected.status is booking.status and await self._finish(booking, payments):
                return

    async def _finish(self, booking: Booking, payments: Payments) -> bool:
        """Set the time of the next look; return False if a payment has changed since it was read.

        Another process may have written newer sums to the booking, which the older sums would replace.
        """
        current = await self._payments.list_for_booking(booking.id)
        if [payment.version for payment in current] != [payment.version for payment in payments.values()]:
            return False
        check_at = next_check(booking, payments, self._clock())
        for payment in current:
            if payment.check_at is not None:
                await self._payments.postpone_check(payment, check_at)
        return True

    async def _project(self, booking: Booking, payments: Payments) -> Booking:
        """Write the state of the payments to the booking if it differs, and return the booking.

        An overdue booking expires before, so its status may change.
        """
        if not payments:
            return booking
        collected = [payments[purpose] for purpose in Purpose if purpose in payments and purpose is not Purpose.TIP]
        paid, refunded = sum(each.received for each in collected), sum(_given_back(each) for each in collected)
        deposit, tip = payments.get(Purpose.DEPOSIT), payments.get(Purpose.TIP)
        return await self._projector.apply(
            booking.id,
            _status_of(booking, payments, paid, refunded),
            paid,
            refunded,
            deposit_paid=deposit is not None and deposit.state in COLLECTED,
            tip_paid=tip.kept if tip else 0,
        )

    async def _is_promo_funded(self, booking: Booking) -> bool:
        if booking.discount is None:
            return True
        return await self._ledger.has(postings.promo_entry_id(booking.id))

    async def _find_default_card(self, booking: Booking) -> StripeCustomer | None:
        """Return the customer if there is a fee to charge, and a default card as its security."""
        if booking.customer_id is None or booking.settlement is None or not booking.settlement.fee:
            return None
        customer = await self._payments.find_customer(booking.customer_id)
        return customer if customer and customer.default_card else None

    async def _take(self, booking: Booking, step: Step) -> None:
        match step:
            case RunAttempt(payment):
                await self._attempts.run(payment)
            case BeginOperation(payment, op, amount, is_manual):
                await self._attempts.begin(payment, op, amount, is_manual=is_manual)
            case BeginRefund(payment, amount, reason):
                await self._begin_refund(payment, amount, reason)
            case ChargeFee(source, amount):
                await self._charge_fee(booking, source, amount)
            case Release(payment, amount, released_before):
                await self._release(payment, amount, released_before)
            case Close(payment):
                await self._updater.update(payment.id, _close)
            case FundPromo(amount):
                await self._fund_promo(booking, amount)

    async def _begin_refund(self, payment: Payment, amount: int, reason: str) -> None:
        """Store and run a refund by the rules; its id follows from the number of the payment's operations."""
        now = self._clock()
        refund = Refund(
            id=refund_id_for(payment.id, f"settlement:{payment.attempts + 1}"),
            amount=amount,
            split=split_of(payment, amount),
            state=RefundState.PENDING,
            reason=reason,
            by=None,
            at=now,
        )
        stored = await self._updater.update(
            payment.id,
            lambda current, now: (
                change_beginning_refund(current, refund, now) if current.version == payment.version else None
            ),
        )
        await self._attempts.run(stored)

    async def _charge_fee(self, booking: Booking, source: Payment | None, amount: int) -> None:
        now = self._clock()
        if source:
            stripe_customer, method_id = source.stripe_customer, source.method_id
        elif customer := await self._find_default_card(booking):
            stripe_customer, method_id = customer.stripe_id, customer.default_card
        else:
            return
        if booking.customer_id is None:
            return
        fee = Payment(
            id=payment_id_for(booking.id, Purpose.FEE),
            booking_id=booking.id,
            customer_id=booking.customer_id,
            barber_id=booking.barber_id,
            purpose=Purpose.FEE,
            mode=Mode.CHARGE,
            state=PaymentState.PROCESSING,
            amount=amount,
            currency=booking.currency,
            commission_bp=booking.commission_bp,
            stripe_customer=stripe_customer,
            method_id=method_id,
            attempt=Attempt(n=1, op=Operation.CHARGE_SAVED, at=now, amount=amount),
            attempts=1,
            check_at=now + _STUCK_AFTER,
            history=[first_entry(PaymentState.PROCESSING, amount, booking.currency, now)],
            created_at=now,
            updated_at=now,
        )
        if await self._payments.insert(fee):
            await self._attempts.run(fee)

    async def _release(self, payment: Payment, amount: int, released_before: int) -> None:
        commission = commission_share(amount, payment.commission_bp, before=released_before)

        def rule(current: Payment, now: datetime) -> PaymentChange | None:
            if current.version != payment.version:
                return None
            entries = postings.visit_released(
                payment_id=payment.id,
                booking_id=payment.booking_id,
                barber_id=payment.barber_id,
                amount=amount,
                commission=commission,
                currency=payment.currency,
                at=now,
            )
            fields = {"released": amount, "commission": commission}
            return PaymentChange(state=current.state, fields=fields, postings=entries)

        await self._updater.update(payment.id, rule)

    async def _fund_promo(self, booking: Booking, amount: int) -> None:
        """Post the discount to the barber once: the entry's id and time follow from the booking."""
        completed = find_newest_entry(booking, Action.COMPLETE)
        entries = postings.promo_funded(
            booking_id=booking.id,
            barber_id=booking.barber_id,
            amount=amount,
            commission=commission_on(amount, booking.commission_bp),
            currency=booking.currency,
            at=completed.at if completed else booking.ends_at,
        )
        await self._transactions.run(booking.id, lambda transaction: self._ledger.post(transaction.session, *entries))


def first_entry(state: PaymentState, amount: int, currency: str, now: datetime) -> PaymentEntry:
    """Return the first history entry of a payment."""
    return PaymentEntry(
        id=new_id(), version=1, type=EventType.PAYMENT_CREATED, state=state, at=now, amount=amount, currency=currency
    )


def _close(payment: Payment, _: datetime) -> PaymentChange | None:
    if payment.attempt or payment.state not in CLOSABLE:
        return None
    return PaymentChange(
        state=PaymentState.CANCELED, happenings=[Happening(EventType.PAYMENT_CANCELED, payment.amount)]
    )


def _given_back(payment: Payment) -> int:
    """Return the money that has arrived back at the customer."""
    done = sum(refund.amount for refund in payment.refunds if refund.state is RefundState.SUCCEEDED)
    return done + payment.charged_back


def _status_of(booking: Booking, payments: Payments, paid: int, refunded: int) -> PaymentStatus:
    """Return the one word for the whole booking."""
    if paid and refunded >= paid:
        return PaymentStatus.REFUNDED
    owed = booking.settlement.fee if booking.settlement else booking.price
    if paid and paid - refunded >= owed:
        return PaymentStatus.COMPLETED
    is_failed = any(payment.state is PaymentState.FAILED for payment in payments.values())
    return PaymentStatus.FAILED if is_failed else PaymentStatus.PENDING
