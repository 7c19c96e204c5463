"""Serve `/v1/admin/audit`."""

from sanic import Request

from grome.audit.schemas import AuditPage, AuditQuery
from grome.audit.service import AuditTrail
from grome.common.actor import ADMINS
from grome.infrastructure.http import Routes, resolve

audit = Routes("admin", "/v1/admin/audit")


@audit.get("", who=ADMINS)
async def list_audit(request: Request, query: AuditQuery) -> AuditPage:
    """List the audit trail, latest first, optionally of one subject or one actor."""
    return await resolve(request, AuditTrail).page(query)
