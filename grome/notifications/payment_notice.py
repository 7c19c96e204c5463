"""Decide whether an event of a payment is still news to its reader, and which text tells it, without I/O."""

from dataclasses import dataclass
from typing import Final

from grome.bookings.models import Booking, Status
from grome.infrastructure.outbox.models import EventType
from grome.notifications.models import MessageKind, Notification
from grome.payments.models import Mode, Payment, PaymentEntry, PaymentState, Purpose

LATE_PAYMENT: Final = "late_payment"
# The messages about a state that are true as long as the payment has the state.
_STATES: Final = {
    MessageKind.PAYMENT_ACTION: PaymentState.REQUIRES_ACTION,
    MessageKind.PAYMENT_FAILED: PaymentState.FAILED,
    MessageKind.PAYMENT_SCHEDULED: PaymentState.SCHEDULED,
}
_REFUND_ENDS: Final = frozenset({EventType.PAYMENT_REFUNDED, EventType.PAYMENT_REFUND_FAILED})
_WON: Final = frozenset({"won", "warning_closed", "prevented"})


@dataclass(frozen=True, slots=True)
class PaymentNotice:
    """Combines a notification with the payment and its booking as stored now."""

    notification: Notification
    payment: Payment
    booking: Booking

    @property
    def entry(self) -> PaymentEntry | None:
        """Return the history entry of the notification."""
        return next((entry for entry in self.payment.history if entry.version == self.notification.version), None)

    @property
    def to_barber(self) -> bool:
        return self.notification.user_id == self.payment.barber_id

    @property
    def purpose(self) -> Purpose:
        """Return the purpose; the charge of a visit that was called off is a fee."""
        is_fee = self.payment.purpose is Purpose.VISIT and self.booking.status is Status.CANCELLED
        return Purpose.FEE if is_fee else self.payment.purpose

    @property
    def dedupe_key(self) -> str:
        """Return a key that is equal for two messages of a kind with the same content.

        The customer is told once that a payment failed: the app shows further attempts.
        """
        payment = self.payment
        return (
            str(payment.id)
            if self.notification.kind is MessageKind.PAYMENT_FAILED
            else (f"{payment.id}#{self.notification.version}")
        )

    def find_variant(self) -> str | None:
        """Return the variant of the text; None if the message is no longer true, or no news to its reader."""
        if self.entry is None:
            return None
        kind = self.notification.kind
        match kind:
            case MessageKind.PAYMENT_RECEIVED:
                return self._receipt_variant()
            case MessageKind.PAYMENT_REFUND:
                return self._refund_variant(self.entry)
            case MessageKind.PAYMENT_DISPUTED:
                return self._dispute_variant(self.entry)
            case _:
                is_told = kind is not MessageKind.PAYMENT_ACTION or self._is_away
                return "" if is_told and self.payment.state is _STATES[kind] else None

    @property
    def _is_away(self) -> bool:
        """Return whether the card was charged while the customer was not in the app."""
        is_saved = self.payment.mode is Mode.SAVE_CARD and self.payment.intent_id is not None
        return is_saved or self.payment.purpose is Purpose.FEE

    def _receipt_variant(self) -> str | None:
        """Return the variant. Money that went back already has a message of its own; barbers are told about fees."""
        if self.to_barber:
            return "barber" if self.purpose is Purpose.FEE else None
        return "customer" if self.payment.kept else None

    def _refund_variant(self, entry: PaymentEntry) -> str | None:
        if entry.type is EventType.PAYMENT_REFUNDED:
            return "sent"
        if entry.type is EventType.PAYMENT_REFUND_FAILED:
            return "failed"
        later = (each for each in self.payment.history if each.version > entry.version)
        if any(each.type in _REFUND_ENDS and each.amount == entry.amount for each in later):
            return None  # its end has a message of its own
        return "late" if entry.note == LATE_PAYMENT else "started"

    def _dispute_variant(self, entry: PaymentEntry) -> str | None:
        if entry.type is EventType.PAYMENT_DISPUTE_CLOSED:
            return "won" if entry.note in _WON else "lost"
        dispute = self.payment.dispute
        return "opened" if dispute and dispute.is_open else None
