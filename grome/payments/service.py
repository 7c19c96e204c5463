"""Start payments of bookings, and follow them on the customer's behalf."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from grome.bookings.models import Booking, Status
from grome.bookings.queries import BookingQueries
from grome.bookings.tips_and_notes import TipsAndNotes
from grome.common.actor import Actor
from grome.common.clock import Clock
from grome.common.errors import Unavailable
from grome.infrastructure.mongo.client import Document
from grome.infrastructure.outbox.models import EventType
from grome.infrastructure.stripe.errors import StripeUnsureError
from grome.infrastructure.stripe.units import charge_step, floor_to_step, minimum_charge
from grome.payments.attempts import AttemptRunner, fields_of_attempt
from grome.payments.customers import Cards
from grome.payments.errors import AlreadyPaid, NothingToPay, PaymentBusy
from grome.payments.models import (
    COLLECTED,
    Attempt,
    Mode,
    Operation,
    Payment,
    PaymentState,
    Purpose,
    payment_id_for,
)
from grome.payments.repository import PaymentRepository
from grome.payments.schemas import PaymentIn, PaymentList, PaymentStarted
from grome.payments.settler import first_entry
from grome.payments.updates import Happening, PaymentChange, PaymentUpdater

# Card networks guarantee an authorization for seven days; a day is left for a delay of the visit.
AUTHORIZE_WITHIN: Final = timedelta(days=6)
_OPEN: Final = frozenset({Status.REQUESTED, Status.ACCEPTED, Status.IN_PROGRESS})
_REOPENABLE: Final = frozenset({PaymentState.CANCELED, PaymentState.LAPSED})
_CONFIRMABLE: Final = frozenset({PaymentState.NEEDS_METHOD, PaymentState.REQUIRES_ACTION, PaymentState.FAILED})


class PaymentService:
    def __init__(
        self,
        payments: PaymentRepository,
        updater: PaymentUpdater,
        attempts: AttemptRunner,
        bookings: BookingQueries,
        tips: TipsAndNotes,
        cards: Cards,
        clock: Clock,
    ) -> None:
        self._payments, self._updater, self._attempts = payments, updater, attempts
        self._bookings, self._tips, self._cards, self._clock = bookings, tips, cards, clock

    async def start(self, actor: Actor, booking_id: UUID, wanted: PaymentIn) -> PaymentStarted:
        """Start the one payment of a booking for a purpose, or return it if it is started already.

        Raises NotFound, NothingToPay, AlreadyPaid, and Unavailable if Stripe does not answer: the same request then
        continues the payment.
        """
        purpose = Purpose(wanted.purpose)
        if purpose is Purpose.TIP and wanted.amount is not None:
            await self._tips.set_tip(actor, booking_id, wanted.amount)
        booking = await self._bookings.get(actor, booking_id)
        payment = await self._payments.find({}, payment_id_for(booking_id, purpose))
        if payment is None:
            payment = await self._insert(actor, booking, purpose)
        elif payment.state in _REOPENABLE or (payment.state in _CONFIRMABLE and not payment.attempt):
            payment = await self._renew(booking, payment)
        if payment.state in COLLECTED or payment.state in {PaymentState.AUTHORIZED, PaymentState.SCHEDULED}:
            raise AlreadyPaid
        try:
            payment = await self._attempts.run(payment)
            return await self._cards.confirmation_of(payment)
        except StripeUnsureError:
            raise Unavailable("Stripe does not answer; send the request again.") from None

    async def list_started(self, actor: Actor, booking_id: UUID) -> PaymentList:
        """List the payments of a booking, with the values to confirm the unpaid ones. Raises NotFound."""
        booking = await self._bookings.get(actor, booking_id)
        payments = await self._payments.list_for_booking(booking.id)
        try:
            return PaymentList([await self._cards.confirmation_of(payment) for payment in payments])
        except StripeUnsureError:
            raise Unavailable("Stripe does not answer; try again soon.") from None

    async def _insert(self, actor: Actor, booking: Booking, purpose: Purpose) -> Payment:
        now = self._clock()
        amount, mode = _terms_of(booking, purpose, await self._payments.list_for_booking(booking.id), now)
        op = Operation.SET_UP if mode is Mode.SAVE_CARD else Operation.CREATE
        customer = (await self._cards.get_customer(actor.id)).stripe_id
        payment = Payment(
            id=payment_id_for(booking.id, purpose),
            booking_id=booking.id,
            customer_id=actor.id,
            barber_id=booking.barber_id,
            purpose=purpose,
            mode=mode,
            state=PaymentState.NEEDS_METHOD,
            amount=amount,
            currency=booking.currency,
            commission_bp=booking.commission_bp,
            stripe_customer=customer,
            pay_by=booking.payment.pay_by if purpose is Purpose.DEPOSIT else None,
            check_at=now,
            attempt=Attempt(n=1, op=op, at=now, amount=amount, is_manual=mode is Mode.AUTHORIZE),
            attempts=1,
            history=[first_entry(PaymentState.NEEDS_METHOD, amount, booking.currency, now)],
            created_at=now,
            updated_at=now,
        )
        if await self._payments.insert(payment):
            return payment
        found = await self._payments.find({}, payment.id)
        if found is None:
            raise PaymentBusy
        return found

    async def _renew(self, booking: Booking, payment: Payment) -> Payment:
        """Continue an unpaid payment, with a new intent if the amount has changed or the intent has ended.

        An intent with another amount is cancelled first, so that two intents of a payment are never open at once.
        """
        now = self._clock()
        others = [each for each in await self._payments.list_for_booking(booking.id) if each.id != payment.id]
        amount, mode = _terms_of(booking, payment.purpose, others, now)
        has_ended = payment.state in _REOPENABLE
        if amount == payment.amount and not has_ended:
            return payment
        if not has_ended:
            payment = await self._attempts.begin(payment, Operation.CANCEL)
        op = Operation.SET_UP if mode is Mode.SAVE_CARD else Operation.CREATE

        def rule(current: Payment, now: datetime) -> PaymentChange | None:
            if current.state not in _REOPENABLE or current.attempt:
                return None
            fields: Document = {
                **fields_of_attempt(current, op, now, amount, is_manual=mode is Mode.AUTHORIZE),
                "amount": amount,
                "mode": mode.value,
                "intent_id": None,
                "setup_id": None,
                "failure": None,
                "pay_by": booking.payment.pay_by if current.purpose is Purpose.DEPOSIT else None,
            }
            created = Happening(EventType.PAYMENT_CREATED, amount)
            return PaymentChange(state=PaymentState.NEEDS_METHOD, fields=fields, happenings=[created])

        return await self._updater.update(payment.id, rule)


def _terms_of(booking: Booking, purpose: Purpose, payments: list[Payment], now: datetime) -> tuple[int, Mode]:
    """Return the amount of a payment and how its money is taken. Raises NothingToPay or AlreadyPaid.

    The amount is rounded down to the smallest unit that can be charged in the currency.
    """
    if any(payment.purpose is purpose and payment.state in COLLECTED for payment in payments):
        raise AlreadyPaid
    amount, mode = 0, Mode.CHARGE
    match purpose:
        case Purpose.DEPOSIT if booking.status in _OPEN:
            amount = booking.payment.deposit
        case Purpose.VISIT if booking.status in _OPEN or booking.status is Status.COMPLETED:
            amount = booking.price - booking.payment.deposit
            mode = _mode_of_visit(booking, now)
        case Purpose.TIP if booking.status is Status.COMPLETED:
            amount = booking.payment.tip
        case _:
            raise NothingToPay(f"The booking is {booking.status.value}.")
    amount = floor_to_step(amount, charge_step(booking.currency))
    if amount < minimum_charge(booking.currency):
        raise NothingToPay("The amount is 0, or less than the least amount that cards can be charged.")
    return amount, mode


def _mode_of_visit(booking: Booking, now: datetime) -> Mode:
    if booking.status in {Status.COMPLETED, Status.IN_PROGRESS} or now >= booking.scheduled_at:
        return Mode.CHARGE
    return Mode.AUTHORIZE if booking.scheduled_at - now <= AUTHORIZE_WITHIN else Mode.SAVE_CARD
