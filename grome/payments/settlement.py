"""Decide the next step that brings the payments of a booking to its state, without I/O.

The decision is made anew after each step and each event, from the stored booking and payments alone. A step that is
repeated, or decided by two processes at once, has no further effect.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from grome.bookings.cancellation_policy import settles_at
from grome.bookings.models import Booking, Status
from grome.infrastructure.stripe.units import minimum_charge
from grome.payments.models import (
    COLLECTED,
    LIVE_REFUNDS,
    MAX_REFUNDS,
    Operation,
    Payment,
    PaymentState,
    Purpose,
    RefundState,
)
from grome.promos.models import PLATFORM

# A card saved for a later visit is charged this long before the visit.
CHARGE_BEFORE: Final = timedelta(hours=48)
# An authorization that would expire before the visit is over is captured this long before its end.
CAPTURE_BEFORE_EXPIRY: Final = timedelta(hours=6)
# A declined fee is tried once more after this time, and then left to the customer.
RETRY_AFTER: Final = timedelta(hours=24)
MAX_DECLINES: Final = 2
_LAST_LOOK: Final = timedelta(minutes=1)
# A payment that is still unpaid this long after the visit is looked at only if a notification of Stripe arrives.
_UNPAID_CHECKED_FOR: Final = timedelta(days=35)
_UNPAID: Final = frozenset({PaymentState.NEEDS_METHOD, PaymentState.REQUIRES_ACTION, PaymentState.FAILED})
CLOSABLE: Final = _UNPAID | {PaymentState.SCHEDULED}
_VISIT_PURPOSES: Final = (Purpose.VISIT, Purpose.DEPOSIT, Purpose.FEE)

Payments = Mapping[Purpose, Payment]


@dataclass(frozen=True, slots=True)
class RunAttempt:
    """Run the operation under way of a payment."""

    payment: Payment


@dataclass(frozen=True, slots=True)
class BeginOperation:
    """Begin an operation of a payment at Stripe. `is_manual`: an intent is captured later."""

    payment: Payment
    op: Operation
    amount: int = 0
    is_manual: bool = False


@dataclass(frozen=True, slots=True)
class BeginRefund:
    payment: Payment
    amount: int
    reason: str


@dataclass(frozen=True, slots=True)
class ChargeFee:
    """Charge a card for a fee of `amount`: the card of `source`, or without it the customer's default card."""

    source: Payment | None
    amount: int


@dataclass(frozen=True, slots=True)
class Release:
    """Release held money of a visit to the barber, less the commission."""

    payment: Payment
    amount: int
    released_before: int


@dataclass(frozen=True, slots=True)
class Close:
    """End a payment that has nothing at Stripe to cancel: only a card was saved, or no intent was made."""

    payment: Payment


@dataclass(frozen=True, slots=True)
class FundPromo:
    """Pay the barber the discount of a promo of the platform."""

    amount: int


Step = RunAttempt | BeginOperation | BeginRefund | ChargeFee | Release | Close | FundPromo


def next_step(
    booking: Booking, payments: Payments, now: datetime, *, is_promo_funded: bool, has_default_card: bool
) -> Step | None:
    """Return the next step, or None if the payments are as the booking demands for now."""
    for payment in payments.values():
        if payment.attempt:
            return RunAttempt(payment)
    due_at = settles_at(booking)
    if due_at is None:
        return _before_visit(booking, payments, now)
    if now < due_at:
        return None
    if booking.status is Status.COMPLETED:
        return _after_visit(booking, payments, is_promo_funded=is_promo_funded)
    return _after_cancellation(booking, payments, due_at, now, has_default_card=has_default_card)


def next_check(booking: Booking, payments: Payments, now: datetime) -> datetime | None:
    """Return the time of the next look at the payments; None if they are final.

    Events and webhooks trigger looks at once; these times only bound the delay after a lost event.
    """
    waits = [_wait(booking, payment, now) for payment in payments.values()]
    return min((each for each in waits if each), default=None)


def _wait(booking: Booking, payment: Payment, now: datetime) -> datetime | None:
    age = now - payment.updated_at
    soon = now + min(max(timedelta(minutes=10), age / 2), timedelta(hours=24))
    due_at = settles_at(booking)
    if due_at and now < due_at:
        return min(soon, due_at)
    if payment.pay_by and payment.state in _UNPAID and now < payment.pay_by - _LAST_LOOK:
        # A deposit that was paid just in time must be known before the booking expires.
        return min(soon, payment.pay_by - _LAST_LOOK)
    return _wait_of_state(booking, payment, now, soon)


def _wait_of_state(booking: Booking, payment: Payment, now: datetime, soon: datetime) -> datetime | None:
    match payment.state:
        case PaymentState.SCHEDULED:
            return max(soon, min(booking.scheduled_at - CHARGE_BEFORE, now + timedelta(hours=24)))
        case PaymentState.AUTHORIZED if payment.capture_by:
            return min(soon, max(now + timedelta(minutes=10), payment.capture_by - CAPTURE_BEFORE_EXPIRY))
        case PaymentState.CANCELED | PaymentState.LAPSED:
            return None
        case state if state in COLLECTED:
            is_open = any(
                refund.state in {RefundState.PENDING, RefundState.REQUIRES_ACTION} for refund in payment.refunds
            )
            is_disputed = payment.dispute is not None and payment.dispute.is_open
            return soon if payment.held or is_open or is_disputed else None
        case _:
            return soon if now < booking.ends_at + _UNPAID_CHECKED_FOR else None


def _before_visit(booking: Booking, payments: Payments, now: datetime) -> Step | None:
    visit = payments.get(Purpose.VISIT)
    if visit is None:
        return None
    is_due = booking.status is not Status.REQUESTED and now >= booking.scheduled_at - CHARGE_BEFORE
    if visit.state is PaymentState.SCHEDULED and is_due:
        return BeginOperation(visit, Operation.CHARGE_SAVED, visit.amount, is_manual=True)
    is_expiring = visit.capture_by is not None and now >= visit.capture_by - CAPTURE_BEFORE_EXPIRY
    if visit.state is PaymentState.AUTHORIZED and is_expiring:
        return BeginOperation(visit, Operation.CAPTURE, visit.amount)
    return None


def _after_visit(booking: Booking, payments: Payments, *, is_promo_funded: bool) -> Step | None:
    visit, collected = payments.get(Purpose.VISIT), _collected(payments)
    if visit and visit.state is PaymentState.AUTHORIZED:
        owed = min(visit.amount, booking.price - collected)
        return BeginOperation(visit, Operation.CAPTURE, owed) if owed > 0 else BeginOperation(visit, Operation.CANCEL)
    if visit and visit.state is PaymentState.SCHEDULED:
        return BeginOperation(visit, Operation.CHARGE_SAVED, visit.amount)
    if release := _release(payments, booking.price):
        return release
    discount = booking.discount
    is_paid = collected >= booking.price and bool(payments or not booking.price)
    if discount and discount.funder == PLATFORM and discount.amount and is_paid and not is_promo_funded:
        return FundPromo(discount.amount)
    return None


def _after_cancellation(
    booking: Booking, payments: Payments, ended_at: datetime, now: datetime, *, has_default_card: bool
) -> Step | None:
    fee = booking.settlement.fee if booking.settlement else 0
    collected = _collected(payments)
    for purpose in (Purpose.DEPOSIT, Purpose.VISIT):
        payment = payments.get(purpose)
        if payment and payment.state in _UNPAID:
            has_object = payment.intent_id or payment.setup_id
            return BeginOperation(payment, Operation.CANCEL) if has_object else Close(payment)
    if collected > fee:
        refund = _excess_refund(payments, collected - fee, ended_at)
        if refund:
            return refund
    visit = payments.get(Purpose.VISIT)
    if (charged := _charged(payments)) < fee:
        due = fee - charged
        if step := _collect_fee(payments, due, booking.currency, now, has_default_card=has_default_card):
            return step
    if visit and visit.state is PaymentState.AUTHORIZED:
        return BeginOperation(visit, Operation.CANCEL)
    if visit and visit.state is PaymentState.SCHEDULED:
        return Close(visit)
    return _release(payments, fee)


def _collected(payments: Payments) -> int:
    """Sum the money of the visit that was collected and kept, without tips."""
    return sum(payments[purpose].kept for purpose in _VISIT_PURPOSES if purpose in payments)


def _charged(payments: Payments) -> int:
    """Sum the money of the visit that was collected, less the refunds by the rules, without tips.

    Refunds by an admin and lost disputes do not count, so that no fee charges their money again.
    """
    visit = [payments[purpose] for purpose in _VISIT_PURPOSES if purpose in payments]
    refunds = [refund for payment in visit for refund in payment.refunds if refund.state in LIVE_REFUNDS]
    return sum(payment.received for payment in visit) - sum(each.amount for each in refunds if each.by is None)


def _excess_refund(payments: Payments, excess: int, ended_at: datetime) -> BeginRefund | None:
    """Return the refund of money that exceeds the fee, the visit's before the deposit's.

    A refund that failed is left to an admin, and nothing is refunded while a dispute is open.
    """
    for purpose in _VISIT_PURPOSES:
        payment = payments.get(purpose)
        if payment is None or not payment.kept or (payment.dispute and payment.dispute.is_open):
            continue
        if len(payment.refunds) >= MAX_REFUNDS or any(refund.failure for refund in payment.refunds):
            continue
        is_late = payment.paid_at is not None and payment.paid_at > ended_at
        return BeginRefund(payment, min(excess, payment.kept), "late_payment" if is_late else "cancellation")
    return None


def _collect_fee(payments: Payments, due: int, currency: str, now: datetime, *, has_default_card: bool) -> Step | None:
    visit, fee = payments.get(Purpose.VISIT), payments.get(Purpose.FEE)
    if visit and visit.state is PaymentState.AUTHORIZED:
        return BeginOperation(visit, Operation.CAPTURE, min(due, visit.amount))
    if fee is None:
        source = next((each for each in payments.values() if each.method_id), None)
        is_possible = due >= minimum_charge(currency) and (source is not None or has_default_card)
        return ChargeFee(source, due) if is_possible else None
    may_retry = fee.declines < MAX_DECLINES and now >= fee.updated_at + RETRY_AFTER
    if fee.state is PaymentState.FAILED and may_retry:
        return BeginOperation(fee, Operation.CHARGE_SAVED, fee.amount)
    return None


def _release(payments: Payments, at_most: int) -> Release | None:
    """Return the release of held money; all releases of the visit together stay within `at_most`.

    A payment is released once. Money that comes back to it later, from a refund that failed, is left to an admin.
    """
    ordered = [payments[purpose] for purpose in Purpose if purpose in payments and purpose is not Purpose.TIP]
    released = sum(payment.released for payment in ordered)
    for payment in ordered:
        amount = min(payment.held, at_most - released)
        if amount > 0 and not payment.released:
            return Release(payment, amount, released)
    return None
