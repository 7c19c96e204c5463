"""`/v1/admin/audit`."""

from sanic import Request

from grome.audit.schemas import AuditPage, AuditQuery
from grome.common.actor import ADMINS
from grome.common.http import Routes
from grome.context import app_context

audit = Routes("admin", "/v1/admin/audit")


@audit.get("", who=ADMINS)
async def list_audit(request: Request, query: AuditQuery) -> AuditPage:
    """What happened, latest first, of everything or of one subject or actor."""
    return await app_context(request).audit.page(query)
