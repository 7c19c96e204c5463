"""Load the facts of messages about payments."""

from typing import Protocol
from uuid import UUID

from grome.bookings.models import Booking
from grome.bookings.queries import BookingQueries
from grome.common.errors import NotFound
from grome.notifications.message_context import MessageContext
from grome.notifications.models import MessageKind, Notification, PaymentFacts
from grome.notifications.payment_notice import PaymentNotice
from grome.notifications.people_names import PeopleNames
from grome.notifications.recipients import Recipient
from grome.payments.models import ENDED, PaymentEntry, Purpose
from grome.payments.queries import PaymentQueries

_WITH_DEADLINE = frozenset({MessageKind.PAYMENT_ACTION, MessageKind.PAYMENT_FAILED})


class ReceiptLinks(Protocol):
    def url(self, booking_id: UUID, reader_id: UUID) -> str:
        """Return a link to the receipt of a booking that works without a sign-in."""


class PaymentContexts:
    """Loads contexts of messages about payments. `app_base` is the prefix of links in messages."""

    def __init__(
        self,
        payments: PaymentQueries,
        bookings: BookingQueries,
        names: PeopleNames,
        receipts: ReceiptLinks,
        app_base: str,
    ) -> None:
        self._payments, self._bookings, self._names, self._receipts = payments, bookings, names, receipts
        self._app_base = app_base

    async def find(self, notification: Notification, recipient: Recipient) -> MessageContext | None:
        """Return the context; None if the news is no longer true or the reader has no part in the payment."""
        try:
            payment = await self._payments.get(notification.subject_id)
        except NotFound:
            return None
        booking = (await self._bookings.find_many([payment.booking_id])).get(payment.booking_id)
        if booking is None or recipient.user.id not in {payment.customer_id, payment.barber_id}:
            return None
        notice = PaymentNotice(notification, payment, booking)
        entry, variant = notice.entry, notice.find_variant()
        if entry is None or variant is None:
            return None
        return MessageContext(
            recipient=recipient,
            kind=notification.kind,
            facts=await self._facts(notice, entry, variant, recipient),
            dedupe_key=notice.dedupe_key,
            needed_by=payment.pay_by if notification.kind in _WITH_DEADLINE else None,
        )

    async def is_visit_paid_by_card(self, booking: Booking) -> bool:
        """Return whether the charge of the visit sends the receipt."""
        payments = await self._payments.list_for_booking(booking.id)
        return any(payment.purpose is Purpose.VISIT and payment.state not in ENDED for payment in payments)

    async def _facts(
        self, notice: PaymentNotice, entry: PaymentEntry, variant: str, recipient: Recipient
    ) -> PaymentFacts:
        payment, booking, reader = notice.payment, notice.booking, recipient.user
        shop_name, timezone = await self._names.shop_name_and_zone(payment.barber_id)
        is_receipt = notice.notification.kind is MessageKind.PAYMENT_RECEIVED and not notice.to_barber
        return PaymentFacts(
            booking_id=str(booking.id),
            name=reader.name,
            other_name=await self._names.customer_name(booking) if notice.to_barber else shop_name,
            variant=variant,
            purpose=notice.purpose,
            amount=entry.amount or payment.amount,
            currency=payment.currency,
            starts_at=booking.scheduled_at,
            timezone=timezone,
            link=(
                self._receipts.url(booking.id, reader.id) if is_receipt else f"{self._app_base}/bookings/{booking.id}"
            ),
            pay_by=payment.pay_by if notice.notification.kind in _WITH_DEADLINE else None,
        )
