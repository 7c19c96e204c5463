"""Append records to the chain of the audit trail."""

import asyncio
import random
from collections.abc import Sequence
from typing import Final

from grome.audit.models import AuditRecord
from grome.audit.repository import AuditRepository
from grome.audit.sealed_records import encode_record, seal_record
from grome.infrastructure.mongo.hash_chain import Seal
from grome.infrastructure.secret_keys import Macs

_MAX_ATTEMPTS: Final = 100
_MAX_PAUSE_S: Final = 0.02


class ChainBusyError(Exception):
    """Other processes kept extending the chain."""


class AuditChain:
    """Extends the chain, each record once.

    A unique index gives each place to one record, and a record is inserted only after the record before it. So
    concurrent processes leave neither a gap nor a fork: the process that finds a place taken reads the end again.
    """

    def __init__(self, records: AuditRepository, macs: Macs) -> None:
        self._records, self._macs = records, macs
        self._end: Seal | None = None  # as this process left it

    async def append(self, records: Sequence[AuditRecord]) -> None:
        """Append the records that are not in the trail yet, in their order. Raises ChainBusyError."""
        left = [(record.id, encode_record(record)) for record in records]
        for _ in range(_MAX_ATTEMPTS):
            end, self._end = self._end, None  # read again after a failure
            if end is None:
                end = await self._records.get_end()
            documents: list[bytes] = []
            for _, encoded in left:
                end, document = seal_record(end, encoded, self._macs)
                documents.append(document)
            if await self._records.append(documents) == len(documents):
                self._end = end
                return
            recorded = await self._records.find_recorded([record_id for record_id, _ in left])
            if not (left := [each for each in left if each[0] not in recorded]):
                return
            await asyncio.sleep(random.uniform(0, _MAX_PAUSE_S))  # noqa: S311 -- only spreads attempts
        raise ChainBusyError
