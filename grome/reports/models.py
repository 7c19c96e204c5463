"""A report: its kind and subject, its period, and its state."""

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Meta, Struct, field

from grome.bookings.models import Idempotency
from grome.common.actor import Actor

MAX_DAYS: Final = 366
# Far from the ends of the calendar, where a time zone would lead over them.
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2199, 12, 31)
MAX_OPEN_REPORTS: Final = 5


class Kind(StrEnum):
    BOOKINGS = "bookings"
    REVENUE = "revenue"
    PAYOUTS = "payouts"


class Format(StrEnum):
    CSV = "csv"
    PDF = "pdf"


class Separator(StrEnum):
    """The sign between the cells of a CSV file."""

    COMMA = "comma"
    SEMICOLON = "semicolon"


class State(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    EXPIRED = "expired"


class Failure(StrEnum):
    """Why a report failed: more rows than a PDF takes, or a fault of ours that no further try could mend."""

    TOO_LONG = "too_long"
    INTERNAL = "internal"


CONTENT_TYPES: Final = {Format.CSV: "text/csv; charset=utf-8; header=present", Format.PDF: "application/pdf"}


class Period(Struct, frozen=True):
    """Days of a time zone, both included."""

    first: date
    last: date
    timezone: str

    @property
    def start(self) -> datetime:
        """In UTC."""
        return self._beginning_of(self.first)

    @property
    def end(self) -> datetime:
        """In UTC: the first moment after the last day."""
        return self._beginning_of(self.last + timedelta(days=1))

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def local(self, moment: datetime) -> datetime:
        return moment.astimezone(ZoneInfo(self.timezone))

    def _beginning_of(self, day: date) -> datetime:
        # Where the clocks skip midnight Python goes on with the time from before, which is the moment of the change;
        # where there are two it takes the first.
        return datetime.combine(day, time(), ZoneInfo(self.timezone)).astimezone(UTC)


class Report(Struct, frozen=True, kw_only=True):
    """A report of `by`, about one barber or, if `barber_id` is null, all people that `by` may see.

    While the report is open, it holds one of its owner's `slot`s, numbered from 0; the unique index on them enforces
    the limit. `size` is in bytes. From `expires_at` on, the file is gone. `first_answer` is loaded for a repeat of the
    request only.
    """

    id: UUID = field(name="_id")
    by: Actor
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
