"""Read payments."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from grome.common.actor import Actor
from grome.common.clock import Clock
from grome.common.errors import NotFound
from grome.infrastructure.http import cut_page, decode_cursor
from grome.infrastructure.mongo.access import visible_to
from grome.payments.models import Payment
from grome.payments.repository import PaymentCursor, PaymentRepository
from grome.payments.schemas import PaymentOut, PaymentPage, PaymentQuery, payment_out

_FAILED_CHECK_AGAIN: Final = timedelta(minutes=10)


class PaymentQueries:
    def __init__(self, payments: PaymentRepository, clock: Clock) -> None:
        self._payments, self._clock = payments, clock

    async def get(self, payment_id: UUID) -> Payment:
        """Return a payment, for Grome's own use. Raises NotFound."""
        return await self.get_of(None, payment_id)

    async def find(self, payment_id: UUID) -> Payment | None:
        """Return a payment, for Grome's own use."""
        return await self._payments.find({}, payment_id)

    async def find_many(self, payment_ids: Collection[UUID]) -> dict[UUID, Payment]:
        """Return the existing payments with these ids, for Grome's own use."""
        return {payment.id: payment for payment in await self._payments.find_many(payment_ids)}

    async def get_of(self, actor: Actor | None, payment_id: UUID) -> Payment:
        """Return a payment of the actor. Raises NotFound."""
        payment = await self._payments.find(visible_to(actor) if actor else {}, payment_id)
        if payment is None:
            raise NotFound
        return payment

    async def read(self, actor: Actor, payment_id: UUID) -> PaymentOut:
        return payment_out(await self.get_of(actor, payment_id))

    async def list_for_booking(self, booking_id: UUID) -> list[Payment]:
        """List the payments of a booking by purpose, for Grome's own use."""
        return await self._payments.list_for_booking(booking_id)

    async def list_page(self, actor: Actor, query: PaymentQuery) -> PaymentPage:
        """List the actor's payments, newest first."""
        after = decode_cursor(query.cursor, PaymentCursor)
        found = await self._payments.list_page(visible_to(actor), query.status, after, query.limit + 1)
        page, next_cursor = cut_page(found, query.limit, lambda row: PaymentCursor(row.created_at, row.id))
        return PaymentPage([payment_out(payment) for payment in page], next_cursor)

    async def list_to_check(self, limit: int) -> list[Payment]:
        """List the payments with a due check, the longest overdue first."""
        return await self._payments.list_to_check(self._clock(), limit)

    async def list_stuck(self, before: datetime, limit: int) -> list[Payment]:
        """List payments with an operation at Stripe that has no final answer since before that time."""
        return await self._payments.list_stuck(before, limit)

    async def postpone_if_due(self, payment_id: UUID) -> None:
        """Postpone a check that is still due, so that a payment that fails each time does not block the others."""
        now = self._clock()
        payment = await self._payments.find({}, payment_id)
        if payment and payment.check_at and payment.check_at <= now:
            await self._payments.postpone_check(payment, now + _FAILED_CHECK_AGAIN)
