"""Serve `/v1/admin/audit`."""

from sanic import Request

from grome.audit.schemas import AuditPage, AuditQuery
from grome.common.actor import ADMINS
from grome.composition import app_context
from grome.infrastructure.http import Routes

audit = Routes("admin", "/v1/admin/audit")


@audit.get("", who=ADMINS)
async def list_audit(request: Request, query: AuditQuery) -> AuditPage:
    """List the audit trail, latest first, optionally of one subject or one actor."""
    return await app_context(request).audit.page(query)
