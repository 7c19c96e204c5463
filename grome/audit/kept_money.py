"""Compute the money of a payment that was kept after each of its changes, from its history, without I/O."""

from collections import Counter

from grome.infrastructure.outbox.models import EventType
from grome.payments.models import Payment


def kept_at(payment: Payment, version: int) -> int:
    """Return the money that was collected and not given back, right after the change of this version.

    A refund counts from its start. A refund that was made at Stripe itself has no start, and counts when it is paid.
    """
    kept, started = 0, Counter[int]()
    for entry in payment.history:
        if entry.version > version:
            break
        match entry.type:
            case EventType.PAYMENT_PAID | EventType.PAYMENT_REFUND_FAILED:
                kept += entry.amount
            case EventType.PAYMENT_REFUND_STARTED:
                kept -= entry.amount
                started[entry.amount] += 1
            case EventType.PAYMENT_REFUNDED if started[entry.amount]:
                started[entry.amount] -= 1
            case EventType.PAYMENT_REFUNDED:
                kept -= entry.amount
            case EventType.PAYMENT_DISPUTE_CLOSED if entry.note == "lost":
                kept -= entry.amount
            case _:
                pass
    return kept
