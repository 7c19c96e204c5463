"""Search the audit trail."""

from grome.audit.address_keys import AddressKeys, month_of
from grome.audit.models import AuditRecord, PersonalValues
from grome.audit.personal_values import open_values
from grome.audit.repository import AfterRecord, AuditRepository
from grome.audit.schemas import AuditPage, AuditQuery, OriginOut, RecordOut
from grome.common.clock import to_utc
from grome.infrastructure.http import cut_page, decode_cursor
from grome.infrastructure.mongo.client import Document
from grome.infrastructure.person_keys.service import PersonKeys


class AuditQueries:
    """Lists records, with the personal values of persons that still have their keys."""

    def __init__(self, records: AuditRepository, keys: PersonKeys, address_keys: AddressKeys) -> None:
        self._records, self._keys, self._address_keys = records, keys, address_keys

    async def page(self, query: AuditQuery) -> AuditPage:
        after = decode_cursor(query.cursor, AfterRecord)
        if after:  # a cursor is client input
            after = AfterRecord(to_utc(after.at, "cursor"), after.id)
        found = await self._records.page(_filter(query), after, query.limit + 1)
        page, next_cursor = cut_page(found, query.limit, lambda row: AfterRecord(row.at, row.id))
        keys = await self._keys.find({sealed.person_id for record in page for sealed in record.sealed})
        address_keys = await self._address_keys.find([record.at for record in page])
        values = [open_values(record, keys, address_keys.get(month_of(record.at))) for record in page]
        items = [
            _record_out(record, each, self._origin_out(record, each)) for record, each in zip(page, values, strict=True)
        ]
        return AuditPage(items, next_cursor)

    def _origin_out(self, record: AuditRecord, values: PersonalValues) -> OriginOut | None:
        origin = record.origin
        if origin is None:
            return None
        is_expired = self._address_keys.is_expired(record.at) or values.dated_address is not None
        return OriginOut(
            request_id=origin.request_id,
            session_id=origin.session_id,
            address=None if is_expired else values.address,
            address_expired=is_expired,
            country=origin.country,
        )


def _filter(query: AuditQuery) -> Document:
    named = {
        "subject_id": query.subject_id,
        "actor_id": query.actor_id,
        "people": query.person_id,
        "type": query.type,
    }
    wanted: Document = {name: value for name, value in named.items() if value}
    period = {"$gte": query.since and to_utc(query.since, "since"), "$lt": query.until and to_utc(query.until, "until")}
    if bounds := {operator: value for operator, value in period.items() if value}:
        wanted["at"] = bounds
    return wanted


def _record_out(record: AuditRecord, values: PersonalValues, origin: OriginOut | None) -> RecordOut:
    opened = {change.field: change for change in values.changes}
    return RecordOut(
        id=record.id,
        type=record.type,
        subject_id=record.subject_id,
        version=record.version,
        people=record.people,
        actor_id=record.actor_id,
        at=record.at,
        reason=record.reason or values.reason,
        money=record.money,
        kept_before=record.kept_before,
        kept_after=record.kept_after,
        origin=origin,
        changes=[opened.get(change.field, change) if change.is_personal else change for change in record.changes],
        recorded_at=record.recorded_at,
    )
