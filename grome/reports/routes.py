"""Serve `/v1/reports`."""

from uuid import UUID

from sanic import Request

from grome.barbers.errors import ProfileMissing
from grome.bookings.errors import KeyInFlight, KeyReused
from grome.common.actor import Actor, Role
from grome.common.errors import NotFound, TooManyRequests
from grome.infrastructure.http import IdempotencyKey, LimitClass, PageQuery, Routes, resolve
from grome.infrastructure.idempotency import Encoded
from grome.reports.errors import TooManyReports
from grome.reports.schemas import ReportIn, ReportOut, ReportPage
from grome.reports.service import ReportService

reports = Routes(
    "reports", "/v1/reports", about="CSV and PDF reports of bookings, earnings and payouts, built in the background."
)
_ROLES = frozenset({Role.BARBER, Role.ADMIN})


@reports.post(
    "",
    who=_ROLES,
    limit=LimitClass.COSTLY,
    status=202,
    answers={202: ReportOut},
    refusals=(NotFound, ProfileMissing, TooManyReports, KeyReused, KeyInFlight, TooManyRequests),
)
async def ask_for_report(
    request: Request, actor: Actor, body: ReportIn, idempotency_key: IdempotencyKey | None
) -> ReportOut | Encoded:
    """Request a report, which is built in the background.

    Barbers get reports about themselves, admins about one barber or all. Poll the report until it is done. At most five
    of your reports can be open at a time, or the answer is 429 `too_many_reports`. A repeat with the same
    `Idempotency-Key` gets the first response again.
    """
    return await resolve(request, ReportService).request(actor, body, idempotency_key)


@reports.get("", who=_ROLES)
async def list_reports(request: Request, actor: Actor, query: PageQuery) -> ReportPage:
    """List your reports, newest first."""
    return await resolve(request, ReportService).page(actor, query)


@reports.get("/{report_id}", who=_ROLES, refusals=(NotFound,))
async def read_report(request: Request, actor: Actor, report_id: UUID) -> ReportOut:
    """Return the progress of one of your reports, and the download URL once it is done."""
    return await resolve(request, ReportService).get(actor, report_id)


@reports.delete("/{report_id}", who=_ROLES, status=204, refusals=(NotFound,))
async def delete_report(request: Request, actor: Actor, report_id: UUID) -> None:
    """Delete one of your reports and its file, in any state."""
    await resolve(request, ReportService).delete(actor, report_id)
