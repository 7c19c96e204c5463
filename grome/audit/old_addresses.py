"""Erase the addresses in outbox entries once they are kept long enough.

The trail keeps its own addresses under keys of months (`address_keys.py`), and its records name the documents that have
the entries.
"""

from collections import defaultdict
from datetime import datetime
from typing import Final
from uuid import UUID

from grome.audit.repository import AfterRecord, AuditRepository
from grome.infrastructure.outbox.personal_entries import PersonalEntries

_BATCH: Final = 500


class OldAddresses:
    """The addresses of clients in outbox entries, which were recorded in the audit trail long ago."""

    name: Final = "outbox_addresses"

    def __init__(self, records: AuditRepository, entries: PersonalEntries) -> None:
        self._records, self._entries = records, entries

    async def expire(self, since: datetime, until: datetime) -> None:
        after: AfterRecord | None = None
        while records := await self._records.list_subjects(since, until, after, _BATCH):
            by_family = defaultdict[str, set[UUID]](set)
            for record in records:
                by_family[record.family].add(record.subject_id)
            for family, ids in by_family.items():
                await self._entries.erase_addresses(family, ids, until)
            after = AfterRecord(records[-1].at, records[-1].id)
