"""Define the verification of a barber: its documents, its state, and the decisions about it."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta, Struct, field

from grome.common.origin import RequestOrigin
from grome.infrastructure.mongo.schema import stored_items
from grome.infrastructure.outbox.models import EventType

MAX_CERTIFICATES: Final = 10
MAX_NOTES_LENGTH: Final = 1_000
MAX_HISTORY: Final = 100


class State(StrEnum):
    """Names the state of a verification. MISSING: the barber has sent nothing yet."""

    MISSING = "missing"
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    ASKED_AGAIN = "asked_again"


DECISIONS: Final = {
    EventType.VERIFICATION_APPROVED: State.APPROVED,
    EventType.VERIFICATION_REJECTED: State.REJECTED,
    EventType.VERIFICATION_ASKED_AGAIN: State.ASKED_AGAIN,
}


class VerificationEntry(Struct, frozen=True, kw_only=True):
    """Records one change in the same write. The entries are the history and the outbox."""

    id: UUID
    version: int
    type: EventType
    before: State
    after: State
    notes: Annotated[str, Meta(max_length=MAX_NOTES_LENGTH)] = ""
    actor_id: UUID
    at: datetime
    origin: RequestOrigin | None = None


class Verification(Struct, frozen=True, kw_only=True):
    """Holds the verification of a barber, under the id of the barber's account.

    `id_doc` and `certificates` are uploads, and are gone some days after the decision. `notes` are those of the last
    decision. `tidy_at` is when the next upload may be deleted. `history` keeps the latest 100 entries.
    """

    id: UUID = field(name="_id")
    state: State = State.MISSING
    version: Annotated[int, Meta(ge=0)] = 0
    id_doc: UUID | None = None
    certificates: Annotated[list[UUID], stored_items(at_most=MAX_CERTIFICATES)] = []
    notes: Annotated[str, Meta(max_length=MAX_NOTES_LENGTH)] = ""
    submitted_at: datetime | None = None
    decided_at: datetime | None = None
    tidy_at: datetime | None = None
    history: Annotated[list[VerificationEntry], stored_items(at_most=MAX_HISTORY)] = []

    @property
    def documents(self) -> list[UUID]:
        return [*([self.id_doc] if self.id_doc else []), *self.certificates]
