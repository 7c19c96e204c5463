"""Derive the change of a payment from the state of its objects at Stripe, without I/O."""

from datetime import datetime
from typing import Final

from grome.infrastructure.mongo.client import Document
from grome.infrastructure.outbox.models import EventType
from grome.infrastructure.stripe.errors import StripeDeclinedError, StripeRejectedError
from grome.infrastructure.stripe.models import StripeIntent, StripeSetup
from grome.ledger import postings
from grome.payments.models import COLLECTED, Attempt, Operation, Payment, PaymentState, Purpose
from grome.payments.updates import Happening, PaymentChange

_EVENTS: Final = {
    PaymentState.REQUIRES_ACTION: EventType.PAYMENT_REQUIRES_ACTION,
    PaymentState.PROCESSING: EventType.PAYMENT_PROCESSING,
    PaymentState.SCHEDULED: EventType.PAYMENT_SCHEDULED,
    PaymentState.AUTHORIZED: EventType.PAYMENT_AUTHORIZED,
    PaymentState.FAILED: EventType.PAYMENT_FAILED,
    PaymentState.CANCELED: EventType.PAYMENT_CANCELED,
    PaymentState.LAPSED: EventType.PAYMENT_LAPSED,
}
_CREATING: Final = frozenset({Operation.CREATE, Operation.CHARGE_SAVED})
_MAX_CHARS: Final = 300


def change_from_intent(payment: Payment, intent: StripeIntent, now: datetime) -> PaymentChange | None:
    """Return the change that brings the payment to the state of its intent; None if nothing changes.

    Money that was collected stays collected: an older state of the intent changes nothing.
    """
    concluded = payment.attempt is not None and _concludes(payment.attempt, intent)
    fields: Document = {"attempt": None} if concluded else {}
    if payment.intent_id != intent.id:
        fields["intent_id"] = intent.id
    if intent.method_id and intent.method_id != payment.method_id:
        fields["method_id"] = intent.method_id
    if payment.state in COLLECTED:
        return PaymentChange(state=payment.state, fields=fields) if fields else None
    if intent.status == "succeeded" and intent.charge and intent.charge.balance:
        return _collected(payment, intent, fields, now)
    state, failure = _state_of(payment, intent, now)
    if intent.charge and intent.charge.capture_before and intent.charge.capture_before != payment.capture_by:
        fields["capture_by"] = intent.charge.capture_before
    if failure != payment.failure:
        fields["failure"] = failure
    if state is payment.state and not fields:
        return None
    return PaymentChange(state=state, fields=fields, happenings=_happenings(payment, state, failure))


def change_from_setup(payment: Payment, setup: StripeSetup) -> PaymentChange | None:
    """Return the change that brings the payment to the state of its SetupIntent; None if nothing changes."""
    is_concluded = payment.attempt is not None and _concludes_setup(payment.attempt, setup)
    fields: Document = {"attempt": None} if is_concluded else {}
    if payment.setup_id != setup.id:
        fields["setup_id"] = setup.id
    if payment.state not in {PaymentState.NEEDS_METHOD, PaymentState.REQUIRES_ACTION, PaymentState.FAILED}:
        return PaymentChange(state=payment.state, fields=fields) if fields else None
    failure = setup.last_error.message[:_MAX_CHARS] if setup.last_error else None
    match setup.status:
        case "succeeded":
            state, failure = PaymentState.SCHEDULED, None
            fields["method_id"] = setup.method_id
        case "requires_action":
            state = PaymentState.REQUIRES_ACTION
        case "canceled":
            state = PaymentState.CANCELED
        case _:
            state = PaymentState.FAILED if failure else PaymentState.NEEDS_METHOD
    if failure != payment.failure:
        fields["failure"] = failure
    if state is payment.state and not fields:
        return None
    return PaymentChange(state=state, fields=fields, happenings=_happenings(payment, state, failure))


def change_from_decline(payment: Payment, error: StripeDeclinedError) -> PaymentChange:
    """Return the change after a declined card while the customer was away.

    If the bank asks for the customer, the intent waits for a confirmation in the app.
    """
    state = PaymentState.REQUIRES_ACTION if error.needs_customer else PaymentState.FAILED
    failure = (error.message or error.code)[:_MAX_CHARS]
    fields: Document = {"attempt": None, "failure": failure, "declines": payment.declines + 1}
    if error.intent_id:
        fields["intent_id"] = error.intent_id
    return PaymentChange(state=state, fields=fields, happenings=[Happening(_EVENTS[state], payment.amount, failure)])


def change_from_rejection(payment: Payment, error: StripeRejectedError) -> PaymentChange:
    """Return the change after Stripe rejected an operation that would have made an intent."""
    failure = f"{error.code}: {error.message}"[:_MAX_CHARS]
    fields: Document = {"attempt": None, "failure": failure, "declines": payment.declines + 1}
    return PaymentChange(
        state=PaymentState.FAILED,
        fields=fields,
        happenings=[Happening(EventType.PAYMENT_FAILED, payment.amount, failure)],
    )


def _concludes(attempt: Attempt, intent: StripeIntent) -> bool:
    """Return whether the intent's state is the final answer to the operation under way."""
    if attempt.op in _CREATING:
        return intent.metadata.get("attempt") == str(attempt.n)
    if attempt.op is Operation.CAPTURE:
        return intent.status in {"succeeded", "canceled"}
    return attempt.op is Operation.CANCEL and intent.status in {"succeeded", "canceled"}


def _concludes_setup(attempt: Attempt, setup: StripeSetup) -> bool:
    """Return whether the state of the SetupIntent is the final answer to the operation under way."""
    if attempt.op is Operation.CANCEL:
        return setup.status in {"succeeded", "canceled"}
    return attempt.op is Operation.SET_UP and setup.metadata.get("attempt") == str(attempt.n)


def _collected(payment: Payment, intent: StripeIntent, fields: Document, now: datetime) -> PaymentChange:
    charge = intent.charge
    if charge is None or charge.balance is None:
        raise ValueError(f"{intent.id} has no balance transaction")
    received = intent.amount_received
    fields |= {"received": received, "charge_id": charge.id, "failure": None, "paid_at": now, "capture_by": None}
    if payment.purpose is Purpose.TIP:
        fields["released"] = received
    entries = postings.payment_received(
        payment_id=payment.id,
        booking_id=payment.booking_id,
        barber_id=payment.barber_id,
        amount=received,
        currency=payment.currency,
        line=charge.balance,
        tip=payment.purpose is Purpose.TIP,
    )
    return PaymentChange(
        state=PaymentState.PAID,
        fields=fields,
        happenings=[Happening(EventType.PAYMENT_PAID, received)],
        postings=entries,
    )


def _state_of(payment: Payment, intent: StripeIntent, now: datetime) -> tuple[PaymentState, str | None]:
    """Return the state and the failure text of a payment that is not collected yet."""
    failure = intent.last_error.message[:_MAX_CHARS] if intent.last_error else None
    waits_for_customer = intent.last_error is not None and intent.last_error.code == "authentication_required"
    match intent.status:
        case "canceled":
            return _canceled(payment, now), failure
        case "requires_action":
            return PaymentState.REQUIRES_ACTION, None
        case "requires_capture":
            return PaymentState.AUTHORIZED, None
        case "processing" | "succeeded":  # the balance transaction follows a moment after the success
            return PaymentState.PROCESSING, None
        case _ if failure and not waits_for_customer:
            return PaymentState.FAILED, failure
        case _:
            return PaymentState.REQUIRES_ACTION if waits_for_customer else PaymentState.NEEDS_METHOD, failure


def _canceled(payment: Payment, now: datetime) -> PaymentState:
    """Return the state after the end of an intent: it was not paid in time, cancelled, or its authorization expired."""
    is_lapsed = payment.pay_by is not None and payment.pay_by <= now
    return PaymentState.LAPSED if is_lapsed else PaymentState.CANCELED


def _happenings(payment: Payment, state: PaymentState, failure: str | None) -> list[Happening]:
    """Return the history entry of a new state; a further decline is told once more."""
    if state not in _EVENTS or (state is payment.state and failure == payment.failure):
        return []
    return [Happening(_EVENTS[state], payment.amount, failure or "")]
