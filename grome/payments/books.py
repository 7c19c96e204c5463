"""Connect a payment with the ledger: its collected money, the splits of refunds, and the entries of a change."""

from datetime import datetime

from grome.ledger import postings
from grome.ledger.models import Entry
from grome.ledger.rules import NOTHING_REFUNDED, Collected, RefundSplit, split_refund
from grome.payments.models import Payment, Refund, Split


def split_of(payment: Payment, amount: int, *, goodwill: bool = False) -> Split:
    """Split a refund of `amount`. Raises ValueError if less is left to refund."""
    split = split_refund(amount, _collected(payment), goodwill=goodwill)
    return Split(held=split.held, barber=split.barber, commission=split.commission, goodwill=split.goodwill)


def refund_created(payment: Payment, refund: Refund, now: datetime) -> tuple[Entry, ...]:
    return postings.refund_created(
        refund_id=refund.id,
        payment_id=payment.id,
        booking_id=payment.booking_id,
        barber_id=payment.barber_id,
        split=_as_booked(refund.split),
        currency=payment.currency,
        at=now,
    )


def refund_reversed(payment: Payment, refund: Refund, now: datetime) -> tuple[Entry, ...]:
    return postings.refund_reversed(
        refund_id=refund.id,
        payment_id=payment.id,
        booking_id=payment.booking_id,
        barber_id=payment.barber_id,
        split=_as_booked(refund.split),
        currency=payment.currency,
        at=now,
    )


def dispute_lost(payment: Payment, dispute_id: str, split: Split, now: datetime) -> tuple[Entry, ...]:
    return postings.dispute_lost(
        dispute_id=dispute_id,
        payment_id=payment.id,
        booking_id=payment.booking_id,
        barber_id=payment.barber_id,
        split=_as_booked(split),
        currency=payment.currency,
        at=now,
    )


def _collected(payment: Payment) -> Collected:
    refunded = sum((_as_booked(split) for split in payment.splits), NOTHING_REFUNDED)
    return Collected(
        received=payment.received, released=payment.released, commission=payment.commission, refunded=refunded
    )


def _as_booked(split: Split) -> RefundSplit:
    return RefundSplit(held=split.held, barber=split.barber, commission=split.commission, goodwill=split.goodwill)
