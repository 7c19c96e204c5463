"""Define the bodies of requests and responses about reports."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType, field

from grome.reports.models import Failure, Format, Kind, Report, Separator, State

Zone = Annotated[str, Meta(min_length=1, max_length=64, description="IANA time zone.", examples=["Europe/Berlin"])]
Progress = Annotated[float, Meta(ge=0, le=1, description="Share of the report that is done, 0 to 1.")]


class ReportIn(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Holds a request for a report. The dates are included, span at most 366 days, and use the barber's time zone.

    `timezone` and `barber_id` are for admins. Without `barber_id`, the report covers all barbers, in UTC unless
    `timezone` is given. `separator` is for CSV; its default is a comma. With `semicolon`, decimals are written with a
    comma, as spreadsheets expect in locales with a decimal comma (German, French, Spanish and others).
    """

    kind: Kind
    format: Format
    first: date = field(name="from")
    last: date = field(name="to")
    barber_id: UUID | None = None
    timezone: Zone | None = None
    # Not part of the idempotency fingerprint unless given, because the previous release had no such field.
    separator: Separator | UnsetType = UNSET


class ReportOut(Struct, frozen=True, kw_only=True):
    """Describes a report. `url` is valid for some minutes without a sign-in, and only returned for a single report."""

    id: UUID
    kind: Kind
    format: Format
    separator: Separator
    barber_id: UUID | None
    first: date = field(name="from")
    last: date = field(name="to")
    timezone: str
    state: State
    progress: Progress
    size: Annotated[int, Meta(description="In bytes.")] | None
    failure: Failure | None
    created_at: datetime
    ended_at: datetime | None
    expires_at: Annotated[datetime, Meta(description="When the file is deleted.")] | None
    url: str | None


class ReportPage(Struct, frozen=True):
    """Holds a page of reports, newest first."""

    items: list[ReportOut]
    next_cursor: str | None


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
