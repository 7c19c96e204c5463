"""Read payouts, for their barbers, for admins and for reports."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final
from uuid import UUID

from grome.common.actor import Actor
from grome.common.clock import to_utc
from grome.common.errors import NotFound
from grome.infrastructure.http import cut_page, decode_cursor
from grome.infrastructure.mongo.access import visible_to
from grome.infrastructure.mongo.client import Document
from grome.ledger.payables import Payables
from grome.payouts.models import Payout
from grome.payouts.repository import AfterPayout, PayoutRepository
from grome.payouts.schemas import (
    AdminPayoutQuery,
    PayoutBooking,
    PayoutDetails,
    PayoutPage,
    PayoutQuery,
    change_out,
    payout_out,
)

_MAX_BOOKINGS: Final = 100
_REPORT_BATCH: Final = 200


class PayoutQueries:
    def __init__(self, payouts: PayoutRepository, payables: Payables) -> None:
        self._payouts, self._payables = payouts, payables

    async def get(self, actor: Actor, payout_id: UUID) -> PayoutDetails:
        """Return a payout with the bookings that it pays. Raises NotFound."""
        payout = await self._payouts.find(payout_id, visible_to(actor))
        if payout is None:
            raise NotFound
        bookings = await self._payables.list_bookings(
            payout.barber_id, payout.currency, payout.since, payout.until, _MAX_BOOKINGS + 1
        )
        return PayoutDetails(
            payout_out(payout),
            payout.sums,
            [PayoutBooking(one.booking_id, one.amount) for one in bookings[:_MAX_BOOKINGS]],
            len(bookings) > _MAX_BOOKINGS,
            [change_out(entry) for entry in payout.history],
        )

    async def list_page(self, actor: Actor, query: PayoutQuery) -> PayoutPage:
        scope = visible_to(actor)
        if isinstance(query, AdminPayoutQuery) and query.barber_id:
            scope = {**scope, "barber_id": query.barber_id}
        if query.status:
            scope = {**scope, "state": query.status.value}
        after = decode_cursor(query.cursor, AfterPayout)
        if after:  # a cursor is client input
            after = AfterPayout(to_utc(after.at, "cursor"), after.id)
        found = await self._payouts.list_page(scope, after, query.limit + 1)
        page, next_cursor = cut_page(found, query.limit, lambda row: AfterPayout(row.created_at, row.id))
        return PayoutPage([payout_out(payout) for payout in page], next_cursor)

    def iter_sent_between(
        self, actor: Actor, span: tuple[datetime, datetime], *, barber_id: UUID | None = None
    ) -> AsyncIterator[list[Payout]]:
        """Yield the payouts that were sent in a span of time, batch by batch, in the order of time."""
        scope: Document = {**visible_to(actor), **({"barber_id": barber_id} if barber_id else {})}
        return self._payouts.iter_sent(scope, *span, _REPORT_BATCH)
