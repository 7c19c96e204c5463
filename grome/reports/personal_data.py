"""Declare the personal data of reports, and erase their files."""

from typing import Final

from grome.infrastructure.mongo.client import Database
from grome.infrastructure.mongo.personal_documents import (
    Declared,
    Fate,
    PersonalCollection,
    PersonalDocuments,
    Share,
)
from grome.infrastructure.personal_data import Person
from grome.reports.repository import COLLECTION
from grome.reports.service import ReportService

_REPORTS: Final = PersonalCollection(
    spec=COLLECTION,
    shares=(
        Share(
            owner="by.id",
            fate=Fate.ERASED,
            exported=("_id", "kind", "format", "period", "state", "size", "created_at", "ended_at", "expires_at"),
        ),
    ),
    internal=frozenset({"by", "separator", "barber_id", "slot", "failure", "idempotency", "first_answer"}),
    handled_apart=True,
)
PERSONAL_DATA: Final[tuple[Declared, ...]] = (_REPORTS,)


class ReportData(PersonalDocuments):
    """The reports of a person. An export lists them without their files, which are made of other data in it."""

    def __init__(self, database: Database, reports: ReportService) -> None:
        super().__init__(database, _REPORTS)
        self._reports = reports

    async def erase(self, person: Person) -> None:
        await self._reports.delete_all(person.id)
