"""Keep the payment fields of a booking in accordance with its payments."""

from datetime import datetime
from uuid import UUID

from msgspec import structs

from grome.bookings.errors import KeepsChanging
from grome.bookings.history_limits import has_room_for_payment
from grome.bookings.models import ENDED, Action, Booking, Payment, PaymentStatus
from grome.bookings.repository import BookingRepository
from grome.bookings.updates import ATTEMPTS, SYSTEM_AUTHOR, BookingUpdate, BookingUpdater


class PaymentProjector:
    """Writes the state of the payments to their booking."""

    def __init__(self, bookings: BookingRepository, updater: BookingUpdater) -> None:
        self._bookings, self._updater = bookings, updater

    async def apply(
        self,
        booking_id: UUID,
        status: PaymentStatus,
        paid: int,
        refunded: int,
        *,
        deposit_paid: bool,
        tip_paid: int,
    ) -> Booking:
        """Write the sums of the payments, and return the booking; equal sums change nothing.

        `paid` was received for the visit, before refunds and without the tip. A paid or authorized deposit ends the
        deadline of the deposit. Overdue updates come first, so a booking that was not paid in time expires. Raises
        NotFound.
        """

        def project(booking: Booking) -> Payment:
            # Whether a cancellation was late depends on the deadline, so an ended booking keeps it.
            pay_by = None if deposit_paid and booking.status not in ENDED else booking.payment.pay_by
            return structs.replace(
                booking.payment, status=status, paid=paid, refunded=refunded, tip_paid=tip_paid, pay_by=pay_by
            )

        async def rule(booking: Booking, _: datetime) -> BookingUpdate | None:
            payment = project(booking)
            if payment == booking.payment or not has_room_for_payment(booking):
                return None
            return BookingUpdate(action=Action.PAY, status=booking.status, payment=payment)

        for _ in range(ATTEMPTS):
            booking = await self._updater.update(SYSTEM_AUTHOR, booking_id, rule)
            payment = project(booking)
            if payment == booking.payment:
                return booking
            if stored := await self._bookings.set_payment_if_version(booking, payment):
                return stored
        raise KeepsChanging
