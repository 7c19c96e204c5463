"""Declare the personal data of the ledger, and export the statement of a barber."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from grome.common.actor import BARBERS
from grome.common.clock import Clock
from grome.infrastructure.mongo.client import Database
from grome.infrastructure.mongo.personal_documents import (
    Declared,
    Fate,
    PersonalCollection,
    PersonalDocuments,
    Share,
    UnownedCollection,
)
from grome.infrastructure.personal_data import Exported, ExportedRecord, Person
from grome.ledger.repository import ENTRIES, TOTALS
from grome.ledger.schemas import statement_line
from grome.ledger.statements import Statements

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_ENTRIES: Final = PersonalCollection(
    spec=ENTRIES,
    shares=(
        Share(
            owner="barber_id",
            fate=Fate.KEPT,
            reason="Entries of the ledger have ids and amounts only, are sealed, and are part of the books.",
            roles=BARBERS,
        ),
    ),
    internal=frozenset(
        {
            "_id",
            "kind",
            "at",
            "currency",
            "lines",
            "booking_id",
            "payment_id",
            "reverses",
            "external_ref",
            "memo",
            "seq",
            "prev_hash",
            "hash",
        }
    ),
    handled_apart=True,
)
PERSONAL_DATA: Final[tuple[Declared, ...]] = (
    _ENTRIES,
    UnownedCollection(TOTALS, "Sums of the ledger by account, derived from its entries."),
)


class StatementData(PersonalDocuments):
    """The changes of a barber's balance, as the barber's statement shows them."""

    def __init__(self, database: Database, statements: Statements, clock: Clock) -> None:
        super().__init__(database, _ENTRIES)
        self._statements, self._clock = statements, clock

    async def export(self, person: Person) -> AsyncIterator[Exported]:
        if person.role not in BARBERS:
            return
        async for entries in self._statements.iter_changes(person.id, _EPOCH, self._clock() + timedelta(days=1)):
            for entry in entries:
                yield ExportedRecord("statement", msgspec.to_builtins(statement_line(entry, person.id)))
