"""Read payments."""

from uuid import UUID

from grome.common.actor import Actor
from grome.common.errors import NotFound
from grome.infrastructure.http import cut_page, decode_cursor
from grome.infrastructure.mongo.access import visible_to
from grome.payments.models import Payment
from grome.payments.repository import PaymentCursor, PaymentRepository
from grome.payments.schemas import PaymentPage, PaymentQuery, payment_out


class PaymentQueries:
    def __init__(self, payments: PaymentRepository) -> None:
        self._payments = payments

    async def get(self, payment_id: UUID) -> Payment:
        """Return a payment, for Grome's own use. Raises NotFound."""
        return await self.get_of(None, payment_id)

    async def get_of(self, actor: Actor | None, payment_id: UUID) -> Payment:
        """Return a payment of the actor. Raises NotFound."""
        payment = await self._payments.find(visible_to(actor) if actor else {}, payment_id)
        if payment is None:
            raise NotFound
        return payment

    async def list_for_booking(self, booking_id: UUID) -> list[Payment]:
        """List the payments of a booking by purpose, for Grome's own use."""
        return await self._payments.list_for_booking(booking_id)

    async def list_page(self, actor: Actor, query: PaymentQuery) -> PaymentPage:
        """List the actor's payments, newest first."""
        after = decode_cursor(query.cursor, PaymentCursor)
        found = await self._payments.list_page(visible_to(actor), query.status, after, query.limit + 1)
        page, next_cursor = cut_page(found, query.limit, lambda row: PaymentCursor(row.created_at, row.id))
        return PaymentPage([payment_out(payment) for payment in page], next_cursor)
