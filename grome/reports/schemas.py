"""Define the bodies of requests and responses about reports."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType, field

from grome.common.clock import TimeZoneName
from grome.infrastructure.http import NextCursor
from grome.reports.models import Failure, Format, Kind, Report, Separator, State

Progress = Annotated[float, Meta(ge=0, le=1, description="Share of the report that is done, 0 to 1.")]


class ReportIn(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Holds a request for a report, about at most 366 days in the barber's time zone."""

    kind: Kind
    """Subject of the report."""
    format: Format
    """A PDF holds a limited number of rows; CSV has no limit."""
    first: date = field(name="from")
    """First day, included."""
    last: date = field(name="to")
    """Last day, included; at most 366 days with the first."""
    barber_id: UUID | None = None
    """For admins: one barber; null for all. Barbers get their own data and leave it out."""
    timezone: TimeZoneName | None = None
    """For admins: zone in which the days begin; null for the barber's, or for UTC without a barber."""
    # Not part of the idempotency fingerprint unless given, because the previous release had no such field.
    separator: Separator | UnsetType = UNSET
    """For CSV: `semicolon` also writes decimals with a comma, for spreadsheets in German, French or Spanish."""


class ReportOut(Struct, frozen=True, kw_only=True):
    """Describes a report."""

    id: UUID
    """Id of the report; the path parameter `report_id`."""
    kind: Kind
    """Subject of the report."""
    format: Format
    """Type of the file."""
    separator: Separator
    """Separator of the cells of a CSV file; without meaning for PDF."""
    barber_id: UUID | None
    """Barber of the report; null for all barbers."""
    first: date = field(name="from")
    """First day, included."""
    last: date = field(name="to")
    """Last day, included."""
    timezone: TimeZoneName
    """IANA time zone in which the days begin and end."""
    state: State
    """Poll while it is `pending` or `running`; `expired` means that the file is deleted."""
    progress: Progress
    size: int | None
    """Size of the file in bytes; null until done."""
    failure: Failure | None
    """`too_long`: choose fewer days or CSV. `internal`: a fault of Grome. Null unless failed."""
    created_at: datetime
    """Time of the request."""
    ended_at: datetime | None
    """Time at which the report was done or failed; null until then."""
    expires_at: datetime | None
    """Time at which the file is deleted; null until done."""
    url: Annotated[str, Meta(examples=["https://grome.example/v1/files/example"])] | None
    """Download address, valid for some minutes without a sign-in; null in lists and until done."""


class ReportPage(Struct, frozen=True):
    """Holds a page of reports, newest first."""

    items: list[ReportOut]
    """Your reports, newest first."""
    next_cursor: NextCursor


def report_out(report: Report, progress: float, url: str | None = None) -> ReportOut:
    return ReportOut(
        id=report.id,
        kind=report.kind,
        format=report.format,
        separator=report.separator,
        barber_id=report.barber_id,
        first=report.period.first,
        last=report.period.last,
        timezone=report.period.timezone,
        state=report.state,
        progress=progress,
        size=report.size,
        failure=report.failure,
        created_at=report.created_at,
        ended_at=report.ended_at,
        expires_at=report.expires_at,
        url=url,
    )
