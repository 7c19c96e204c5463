"""Serve `/v1/admin/audit`."""

from sanic import Request

from grome.audit.queries import AuditQueries
from grome.audit.schemas import AuditPage, AuditQuery
from grome.common.actor import ADMINS
from grome.infrastructure.http import Routes, resolve

audit = Routes("admin", "/v1/admin/audit", about="The audit trail of all changes, for admins.")


@audit.get("", who=ADMINS)
async def list_audit(request: Request, query: AuditQuery) -> AuditPage:
    """Search the audit trail, latest event first.

    All given conditions hold: subject, actor, account concerned, type and time.
    """
    return await resolve(request, AuditQueries).page(query)
