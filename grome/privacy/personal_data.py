"""Declare the personal data of exports themselves."""

from typing import Final

from grome.infrastructure.mongo.client import Database
from grome.infrastructure.mongo.personal_documents import (
    Declared,
    Fate,
    PersonalCollection,
    PersonalDocuments,
    Share,
    UnownedCollection,
)
from grome.infrastructure.personal_data import Person
from grome.privacy.repository import COLLECTION, MARKS
from grome.privacy.service import ExportService

_EXPORTS: Final = PersonalCollection(
    spec=COLLECTION,
    shares=(Share(owner="user_id", fate=Fate.ERASED, exported=("_id", "state", "size", "created_at", "ended_at")),),
    internal=frozenset({"role", "is_open", "left_out", "expires_at", "outbox"}),
    handled_apart=True,
)
PERSONAL_DATA: Final[tuple[Declared, ...]] = (
    _EXPORTS,
    UnownedCollection(MARKS, "Positions of the retention."),
)


class ExportData(PersonalDocuments):
    """The exports of a person with their files."""

    def __init__(self, database: Database, exports: ExportService) -> None:
        super().__init__(database, _EXPORTS)
        self._exports = exports

    async def erase(self, person: Person) -> None:
        await self._exports.delete_all(person.id)
