"""Declare that reconciliation has no personal data."""

from typing import Final

from grome.infrastructure.mongo.personal_documents import Declared, UnownedCollection
from grome.reconciliation.repository import FINDINGS, PROGRESS, WATCHED

PERSONAL_DATA: Final[tuple[Declared, ...]] = (
    UnownedCollection(FINDINGS, "Differences of amounts with ids of objects; resolved findings go after 180 days."),
    UnownedCollection(PROGRESS, "Positions of loops."),
    UnownedCollection(WATCHED, "Names of ledger accounts until they are back at 0."),
)
