"""Read the items that a report lists, batch by batch."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

from grome.bookings.queries import BookingQueries
from grome.ledger.statements import Statements
from grome.payouts.queries import PayoutQueries
from grome.reports.models import Kind, Report
from grome.reports.tables import ReportTable


class ReportSources:
    def __init__(self, bookings: BookingQueries, payouts: PayoutQueries, statements: Statements) -> None:
        self._bookings, self._payouts, self._statements = bookings, payouts, statements

    async def iter_items(
        self, report: Report, table: ReportTable[Any]
    ) -> AsyncIterator[tuple[Sequence[Any], datetime | None]]:
        """Yield batches of the items that `table` accepts, in the order of time.

        With each batch comes the time of its last item.
        """
        span = report.period.start, report.period.end
        if report.kind is Kind.PAYOUTS:
            async for payouts in self._payouts.iter_sent_between(report.by.actor, span, barber_id=report.barber_id):
                yield payouts, payouts[-1].sent_at
        elif report.kind is Kind.LEDGER:
            async for entries in self._statements.iter_changes(report.barber_id, *span):
                yield entries, entries[-1].at
        else:
            async for bookings in self._bookings.iter_starting_between(
                report.by.actor, span, barber_id=report.barber_id, status=table.status
            ):
                yield bookings, bookings[-1].scheduled_at
