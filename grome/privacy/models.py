"""Define exports of personal data: state, limits, and the jobs of exports and deletions."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta, Struct, field

from grome.common.actor import Role
from grome.common.origin import RequestOrigin
from grome.infrastructure.jobs.models import JobKind, Queue
from grome.infrastructure.mongo.budgets import Budget
from grome.infrastructure.mongo.schema import stored_items
from grome.infrastructure.outbox.models import EventType

EXPORT_BUDGET: Final = Budget("exports of a person", 3, timedelta(days=1))
# The file and its document are deleted after this time.
EXPORT_LIFE: Final = timedelta(days=7)
LINK_LIFE: Final = timedelta(minutes=10)
MAKE_EXPORT: Final = JobKind("export", Queue.BULK, timeout_s=1_800, delays_s=(30, 120, 600, 3_600))
ERASE_ACCOUNT: Final = JobKind("erase_account", Queue.BULK, timeout_s=1_800, delays_s=(30, 120, 600, 3_600, 21_600))
FILE_PREFIX: Final = "exports/"
CONTENT_TYPE: Final = "application/zip"


class State(StrEnum):
    """The states of an export."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


OPEN_STATES: Final = (State.PENDING, State.RUNNING)


class ExportEvent(Struct, frozen=True, kw_only=True):
    """Records that an export was requested or is done, in the same write; the events are the outbox."""

    id: UUID
    version: int
    type: EventType
    at: datetime
    origin: RequestOrigin | None = None


class Export(Struct, frozen=True, kw_only=True):
    """An export of the personal data of `user_id`.

    While `is_open`, the export is being made; a unique index allows one open export a person. At `expires_at` the file
    and this document are deleted. `left_out` counts the files without room in the archive.
    """

    id: UUID = field(name="_id")
    user_id: UUID
    role: Role
    state: State
    is_open: bool
    size: int | None = None
    left_out: Annotated[int, Meta(ge=0)] = 0
    created_at: datetime
    ended_at: datetime | None = None
    expires_at: datetime
    outbox: Annotated[list[ExportEvent], stored_items(at_most=2)]

    @property
    def file_key(self) -> str:
        return file_key(self.id)

    @property
    def download_name(self) -> str:
        return f"grome-data-{self.created_at:%Y-%m-%d}.zip"


def file_key(export_id: UUID) -> str:
    """Return the key of an export's file, made of the id alone: making an export again writes the same file."""
    return f"{FILE_PREFIX}{export_id.hex}"


class RetentionMark(Struct, frozen=True):
    """Marks the time up to which old data of one kind is erased."""

    id: str = field(name="_id")
    until: datetime
