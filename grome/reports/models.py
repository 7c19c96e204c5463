"""Define reports: kind and subject, period, and state."""

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Meta, Struct, field

from grome.bookings.models import Idempotency
from grome.common.actor import Actor, Role

MAX_DAYS: Final = 366
# Far from the limits of `date`, so that no time zone can exceed them.
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2199, 12, 31)
MAX_OPEN_REPORTS: Final = 5


class Kind(StrEnum):
    """Names the subject of a report."""

    BOOKINGS = "bookings"
    REVENUE = "revenue"
    PAYOUTS = "payouts"
    LEDGER = "ledger"


class Format(StrEnum):
    """Names the type of the file."""

    CSV = "csv"
    PDF = "pdf"


class Separator(StrEnum):
    """Names the separator between the cells of a CSV file."""

    COMMA = "comma"
    SEMICOLON = "semicolon"


class State(StrEnum):
    """The states of a report. EXPIRED: the file is deleted."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    EXPIRED = "expired"


class Failure(StrEnum):
    """Names the reason of a failure: too many rows for a PDF, or a fault of Grome."""

    TOO_LONG = "too_long"
    INTERNAL = "internal"


CONTENT_TYPES: Final = {Format.CSV: "text/csv; charset=utf-8; header=present", Format.PDF: "application/pdf"}


class Period(Struct, frozen=True):
    """Holds a range of days in a time zone, both included."""

    first: date
    last: date
    timezone: str

    @property
    def start(self) -> datetime:
        """Return the start in UTC."""
        return self._beginning_of(self.first)

    @property
    def end(self) -> datetime:
        """Return the first moment after the last day, in UTC."""
        return self._beginning_of(self.last + timedelta(days=1))

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def local(self, moment: datetime) -> datetime:
        return moment.astimezone(ZoneInfo(self.timezone))

    def _beginning_of(self, day: date) -> datetime:
        # If clocks skip midnight, Python uses the offset from before, which is the moment of the change; if midnight
        # occurs twice, it uses the first.
        return datetime.combine(day, time(), ZoneInfo(self.timezone)).astimezone(UTC)


class ReportOwner(Struct, frozen=True):
    """Names the person that asked for a report. The report is built later, with the rights of this person."""

    id: UUID
    role: Role
    session_id: UUID

    @property
    def actor(self) -> Actor:
        return Actor(self.id, self.role, self.session_id)


class Report(Struct, frozen=True, kw_only=True):
    """Describes a report of `by`, about one barber, or about all people that `by` may see if `barber_id` is null.

    An open report holds one of its owner's `slot`s, numbered from 0; a unique index on the slots enforces the limit.
    `size` is in bytes. From `expires_at` on, the file is gone. `first_answer` is loaded only for a repeat of the
    request.
    """

    id: UUID = field(name="_id")
    by: ReportOwner
    kind: Kind
    format: Format
    separator: Separator = Separator.COMMA
    barber_id: UUID | None
    period: Period
    state: State
    slot: Annotated[int, Meta(ge=0, lt=MAX_OPEN_REPORTS)] | None
    size: int | None = None
    failure: Failure | None = None
    idempotency: Idempotency | None = None
    first_answer: bytes | None = None
    created_at: datetime
    ended_at: datetime | None = None
    expires_at: datetime | None = None

    @property
    def file_key(self) -> str:
        return file_key(self.id)

    @property
    def download_name(self) -> str:
        return f"{self.kind.value}-{self.period.first}-{self.period.last}.{self.format.value}"


def file_key(report_id: UUID) -> str:
    """Return the key of a report's file, made of the id alone: making a report again writes the same file."""
    return f"{FILE_PREFIX}{report_id.hex}"


FILE_PREFIX: Final = "reports/"
