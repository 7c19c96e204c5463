"""Read the receipt of a booking, as figures or as PDF."""

import asyncio
from uuid import UUID

from grome.accounts.service import AccountService
from grome.barbers.service import BarberService
from grome.bookings.models import Booking
from grome.bookings.queries import BookingQueries
from grome.common.actor import Actor
from grome.common.clock import Clock
from grome.common.errors import NotFound
from grome.payments.queries import PaymentQueries
from grome.receipts.errors import NothingPaid
from grome.receipts.figures import build_receipt
from grome.receipts.links import ReceiptLinks
from grome.receipts.models import Receipt
from grome.receipts.rendering import render_pdf


class ReceiptService:
    def __init__(
        self,
        bookings: BookingQueries,
        payments: PaymentQueries,
        people: tuple[AccountService, BarberService],
        links: ReceiptLinks,
        tax_bp: int,
        clock: Clock,
    ) -> None:
        self._bookings, self._payments, (self._accounts, self._barbers) = bookings, payments, people
        self._links, self._tax_bp, self._clock = links, tax_bp, clock

    async def get(self, actor: Actor, booking_id: UUID) -> Receipt:
        """Return the receipt of a booking of the actor. Raises NotFound, and NothingPaid without a payment."""
        return await self._build(await self._bookings.get(actor, booking_id))

    async def get_pdf(self, actor: Actor, booking_id: UUID) -> tuple[bytes, str]:
        """Return the receipt as PDF in the actor's language, and a file name. Raises NotFound and NothingPaid."""
        return await self._render(await self.get(actor, booking_id), actor.id)

    async def get_pdf_by_link(self, token: str) -> tuple[bytes, str]:
        """Return the receipt that a link leads to. Raises NotFound if the link is not valid, and NothingPaid."""
        link = self._links.find(token)
        booking = (await self._bookings.find_many([link.booking_id])).get(link.booking_id) if link else None
        if link is None or booking is None or link.reader_id not in {booking.customer_id, booking.barber_id}:
            raise NotFound
        return await self._render(await self._build(booking), link.reader_id)

    async def _build(self, booking: Booking) -> Receipt:
        payments = await self._payments.list_for_booking(booking.id)
        if not any(payment.received for payment in payments):
            raise NothingPaid
        customer = await self._accounts.find(booking.customer_id) if booking.customer_id else None
        name = booking.guest.name if booking.guest else customer.name if customer else ""
        return build_receipt(booking, payments, await self._seller(booking.barber_id), name, self._tax_bp)

    async def _seller(self, barber_id: UUID) -> tuple[str, str]:
        """Return the name and the time zone of the shop, from the account if the profile was removed."""
        if barber := await self._barbers.find(barber_id):
            return barber.display_name, barber.timezone
        user = await self._accounts.find(barber_id)
        return (user.name, user.preferences.timezone) if user else ("", "UTC")

    async def _render(self, receipt: Receipt, reader_id: UUID) -> tuple[bytes, str]:
        reader = await self._accounts.find(reader_id)
        language = reader.preferences.language if reader else "en"
        content = await asyncio.to_thread(render_pdf, receipt, language, self._clock())
        return content, f"receipt-{receipt.number}.pdf"
