"""Record the audit trail and list it.

Nothing writes to the trail directly. An action of an admin, with its actor, reason and amount, is an outbox entry of
the changed document, and the trail records the event of this entry. So no action is stored without its record.
"""

from collections.abc import Sequence

from grome.audit.kept_money import kept_at
from grome.audit.models import AuditRecord
from grome.audit.repository import AfterRecord, AuditRepository
from grome.audit.schemas import AuditPage, AuditQuery, RecordOut
from grome.common.clock import to_utc
from grome.infrastructure.http import cut_page, decode_cursor
from grome.infrastructure.outbox.models import LIVE_ONLY, Event
from grome.payments.models import Payment
from grome.payments.queries import PaymentQueries


class AuditTrail:
    """Records every event of the relay that is about people or money."""

    def __init__(self, records: AuditRepository, payments: PaymentQueries) -> None:
        self._records, self._payments = records, payments

    async def handle(self, events: Sequence[Event]) -> None:
        events = [event for event in events if event.type not in LIVE_ONLY]
        payments = {
            event.subject_id: await self._payments.find(event.subject_id)
            for event in events
            if event.family == "payment"
        }
        if events:
            await self._records.add([_record(event, payments.get(event.subject_id)) for event in events])

    async def page(self, query: AuditQuery) -> AuditPage:
        after = decode_cursor(query.cursor, AfterRecord)
        if after:  # a cursor is client input
            after = AfterRecord(to_utc(after.at, "cursor"), after.id)
        found = await self._records.page(query.subject_id, query.actor_id, after, query.limit + 1)
        page, next_cursor = cut_page(found, query.limit, lambda row: AfterRecord(row.at, row.id))
        return AuditPage([_record_out(record) for record in page], next_cursor)


def _record(event: Event, payment: Payment | None) -> AuditRecord:
    return AuditRecord(
        id=event.id,
        type=event.type,
        subject_id=event.subject_id,
        version=event.version,
        people=list(event.people),
        actor_id=event.actor_id,
        at=event.at,
        reason=event.reason,
        money=event.money,
        kept_before=kept_at(payment, event.version - 1) if payment else None,
        kept_after=kept_at(payment, event.version) if payment else None,
    )


def _record_out(record: AuditRecord) -> RecordOut:
    return RecordOut(
        record.id,
        record.type,
        record.subject_id,
        record.version,
        record.people,
        record.actor_id,
        record.at,
        record.reason,
        record.money,
        record.kept_before,
        record.kept_after,
    )
