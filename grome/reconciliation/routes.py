"""Serve `/v1/admin/findings` and `/v1/admin/reconciliation`."""

from uuid import UUID

from sanic import Request

from grome.common.actor import ADMINS, Actor
from grome.common.errors import NotFound
from grome.infrastructure.http import Routes, resolve
from grome.payments.errors import PaymentsOff
from grome.reconciliation.errors import FindingResolved
from grome.reconciliation.schemas import FindingOut, FindingPage, FindingQuery, ResolveIn, RunOut
from grome.reconciliation.service import FindingService

reconciliation = Routes(
    "reconciliation", "/v1/admin", about="Differences between Stripe and the ledger, found every 15 minutes."
)


@reconciliation.get("/findings", who=ADMINS)
async def list_findings(request: Request, query: FindingQuery) -> FindingPage:
    """List differences between Stripe and the ledger, newest first."""
    return await resolve(request, FindingService).list_page(query)


@reconciliation.post("/findings/{finding_id}/resolve", who=ADMINS, refusals=(NotFound, FindingResolved))
async def resolve_finding(request: Request, actor: Actor, finding_id: UUID, body: ResolveIn) -> FindingOut:
    """Resolve a finding with a reason.

    It opens again if its amount changes. A finding that is gone at a later comparison is resolved without an admin.
    """
    return await resolve(request, FindingService).resolve(actor, finding_id, body.reason)


@reconciliation.post("/reconciliation/run", who=ADMINS, status=202, refusals=(PaymentsOff,))
async def run_reconciliation(request: Request) -> RunOut:
    """Compare Stripe with the ledger now, in the background.

    It also runs by itself, each 15 minutes.
    """
    return await resolve(request, FindingService).request_run()
