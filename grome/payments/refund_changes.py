"""Derive the change of a payment from the state of a refund or a dispute at Stripe, without I/O."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from msgspec import structs

from grome.infrastructure.mongo.client import Document, to_document
from grome.infrastructure.outbox.models import EventType
from grome.infrastructure.stripe.models import StripeDispute, StripeRefund
from grome.ledger import postings
from grome.ledger.models import Entry
from grome.payments.books import dispute_lost, refund_created, refund_reversed, split_of
from grome.payments.models import (
    LIVE_REFUNDS,
    Attempt,
    Dispute,
    Operation,
    Payment,
    PaymentState,
    Refund,
    RefundState,
    refund_id_for,
)
from grome.payments.updates import Happening, PaymentChange


def change_beginning_refund(payment: Payment, refund: Refund, now: datetime) -> PaymentChange:
    """Return the change that stores a refund with its operation, before Stripe is called."""
    attempt = Attempt(n=payment.attempts + 1, op=Operation.REFUND, at=now, amount=refund.amount, refund_id=refund.id)
    fields: Document = {
        "refunds": [to_document(each) for each in (*payment.refunds, refund)],
        "attempt": to_document(attempt),
        "attempts": attempt.n,
    }
    return PaymentChange(
        state=payment.state,
        fields=fields,
        happenings=[Happening(EventType.PAYMENT_REFUND_STARTED, refund.amount, refund.reason, refund.by)],
        postings=refund_created(payment, refund, now),
    )


def change_from_refund(payment: Payment, found: StripeRefund, now: datetime) -> PaymentChange | None:
    """Return the change that brings a refund to its state at Stripe; None if nothing changes.

    A refund that somebody made at Stripe itself is taken over.
    """
    attempt = payment.attempt
    refund = next((each for each in payment.refunds if _is_same(each, found)), None)
    entries: list[Entry] = []
    if refund is None:
        amount = min(found.amount, payment.kept)
        split = split_of(payment, amount)
        refund = Refund(
            id=refund_id_for(payment.id, found.id),
            amount=amount,
            split=split,
            state=RefundState.PENDING,
            reason="made_at_stripe",
            by=None,
            at=now,
        )
        entries.extend(refund_created(payment, refund, now))
        payment = structs.replace(payment, refunds=[*payment.refunds, refund])
    updated, moved = _moved(payment, refund, found, now)
    is_concluded = attempt is not None and attempt.refund_id == refund.id
    if updated == refund and not entries and not is_concluded:
        return None
    refunds = [updated if each.id == refund.id else each for each in payment.refunds]
    fields: Document = {"refunds": [to_document(each) for each in refunds]}
    if is_concluded:
        fields["attempt"] = None
    return PaymentChange(
        state=state_after_refunds(payment, refunds),
        fields=fields,
        happenings=_refund_happenings(refund, updated),
        postings=[*entries, *moved],
    )


def change_from_refund_rejection(payment: Payment, refund_id: UUID, failure: str, now: datetime) -> PaymentChange:
    """Return the change after Stripe rejected a refund: the money goes back to its sources in the ledger."""
    refund = next(each for each in payment.refunds if each.id == refund_id)
    failed = structs.replace(refund, state=RefundState.FAILED, failure=failure[:300])
    refunds = [failed if each.id == refund.id else each for each in payment.refunds]
    return PaymentChange(
        state=state_after_refunds(payment, refunds),
        fields={"refunds": [to_document(each) for each in refunds], "attempt": None},
        happenings=[Happening(EventType.PAYMENT_REFUND_FAILED, refund.amount, failure[:300])],
        postings=refund_reversed(payment, refund, now),
    )


def change_from_dispute(payment: Payment, found: StripeDispute, now: datetime) -> PaymentChange | None:
    """Return the change that brings the dispute to its state at Stripe; None if nothing changes.

    A lost dispute is divided like a refund.
    """
    known = payment.dispute
    booked = list(known.booked) if known and known.id == found.id else []
    entries: list[Entry] = []
    for line in found.lines:
        if line.id in booked:
            continue
        booked.append(line.id)
        build = postings.dispute_opened if line.amount < 0 else postings.dispute_won
        entries.extend(
            build(
                dispute_id=found.id,
                payment_id=payment.id,
                booking_id=payment.booking_id,
                amount=found.amount,
                currency=payment.currency,
                line=line,
            )
        )
    split = known.split if known and known.id == found.id else None
    if found.status == "lost" and split is None and booked:
        split = split_of(payment, min(found.amount, payment.kept))
        entries.extend(dispute_lost(payment, found.id, split, now))
    dispute = Dispute(
        id=found.id,
        status=found.status,
        reason=found.reason,
        amount=min(found.amount, payment.received),
        respond_by=found.respond_by,
        booked=booked,
        split=split,
    )
    if dispute == known:
        return None
    return PaymentChange(
        state=payment.state,
        fields={"dispute": to_document(dispute)},
        happenings=_dispute_happenings(known, dispute),
        postings=entries,
    )


def state_after_refunds(payment: Payment, refunds: Sequence[Refund]) -> PaymentState:
    """Return the state of a collected payment: only refunds that have succeeded count."""
    done = sum(refund.amount for refund in refunds if refund.state is RefundState.SUCCEEDED)
    if not done:
        return PaymentState.PAID
    return PaymentState.REFUNDED if done >= payment.received else PaymentState.PART_REFUNDED


def _moved(payment: Payment, refund: Refund, found: StripeRefund, now: datetime) -> tuple[Refund, list[Entry]]:
    """Return the refund in its state at Stripe, and the entries of its balance transactions."""
    entries: list[Entry] = []
    state = RefundState(found.status)
    for line, is_return in ((found.balance, False), (found.failure_balance, True)):
        if line is None or (refund.returned_by if is_return else refund.left_by):
            continue
        build = postings.refund_returned if is_return else postings.refund_paid
        entries.extend(
            build(
                refund_id=refund.id,
                payment_id=payment.id,
                booking_id=payment.booking_id,
                amount=refund.amount,
                currency=payment.currency,
                line=line,
            )
        )
        refund = structs.replace(refund, returned_by=line.id) if is_return else structs.replace(refund, left_by=line.id)
    if refund.state in LIVE_REFUNDS and state not in LIVE_REFUNDS:
        entries.extend(refund_reversed(payment, refund, now))
    failure = (found.failure_reason or state.value) if state not in LIVE_REFUNDS else None
    return structs.replace(refund, state=state, stripe_id=found.id, failure=failure), entries


def _is_same(refund: Refund, found: StripeRefund) -> bool:
    return refund.stripe_id == found.id or found.metadata.get("refund_id") == str(refund.id)


def _refund_happenings(before: Refund, after: Refund) -> list[Happening]:
    if before.state is after.state:
        return []
    if after.state is RefundState.SUCCEEDED:
        return [Happening(EventType.PAYMENT_REFUNDED, after.amount, after.reason)]
    if after.state not in LIVE_REFUNDS:
        return [Happening(EventType.PAYMENT_REFUND_FAILED, after.amount, after.failure or "")]
    return []


def _dispute_happenings(before: Dispute | None, after: Dispute) -> list[Happening]:
    if before is None or before.id != after.id:
        return [Happening(EventType.PAYMENT_DISPUTED, after.amount, after.reason)]
    if before.is_open and not after.is_open:
        return [Happening(EventType.PAYMENT_DISPUTE_CLOSED, after.amount, after.status)]
    return []
