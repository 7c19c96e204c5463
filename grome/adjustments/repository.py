"""Store adjustments in MongoDB."""

from typing import Final
from uuid import UUID

from pymongo import IndexModel
from pymongo.errors import DuplicateKeyError

from grome.adjustments.models import Adjustment
from grome.common.errors import Unavailable
from grome.infrastructure.mongo.client import CollectionSpec, Database, from_document, to_document
from grome.infrastructure.mongo.schema import validator_for
from grome.infrastructure.mongo.transactions import Session

ADJUSTMENTS: Final = CollectionSpec(
    "adjustments",
    validator_for(Adjustment),
    [IndexModel([("barber_id", 1), ("number", 1)], name="number", unique=True)],
)


class AdjustmentRepository:
    def __init__(self, database: Database) -> None:
        self._adjustments = database[ADJUSTMENTS.name]

    async def find(self, session: Session, adjustment_id: UUID) -> Adjustment | None:
        document = await self._adjustments.find_one({"_id": adjustment_id}, session=session)
        return from_document(document, Adjustment) if document else None

    async def last_number(self, session: Session, barber_id: UUID) -> int:
        """Return 0 without an adjustment."""
        last = await self._adjustments.find_one(
            {"barber_id": barber_id}, {"number": 1}, sort=[("number", -1)], session=session
        )
        return last["number"] if last else 0

    async def insert(self, session: Session, adjustment: Adjustment) -> None:
        """Store an adjustment. Raises Unavailable if another with the same id or number was stored meanwhile."""
        try:
            await self._adjustments.insert_one(to_document(adjustment), session=session)
        except DuplicateKeyError:
            raise Unavailable("Another adjustment of this barber was made meanwhile; try again.") from None
