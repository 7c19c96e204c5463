"""Serve `/v1/services`."""

from uuid import UUID

from sanic import Request

from grome.catalogue.errors import ServiceExists
from grome.catalogue.schemas import ServiceIn, ServiceOut, ServicePage, ServiceQuery
from grome.catalogue.service import CatalogueService
from grome.common.actor import ADMINS, ANYONE, Actor
from grome.common.errors import NotFound
from grome.infrastructure.http import Routes, resolve
from grome.infrastructure.http.caching import kept_for

services = Routes(
    "services", "/v1/services", about="The catalogue of services, from which barbers choose their offers."
)


@services.get("", who=ANYONE, cache=kept_for(60))
async def list_services(request: Request, query: ServiceQuery) -> ServicePage:
    """List the catalogue by name, or search it by words.

    The search looks at name, category and description, translations included.
    """
    return await resolve(request, CatalogueService).page(query)


@services.get("/{service_id}", who=ANYONE, refusals=(NotFound,), cache=kept_for(60))
async def read_service(request: Request, service_id: UUID) -> ServiceOut:
    """Return one service of the catalogue."""
    return await resolve(request, CatalogueService).read(service_id)


@services.post("", who=ADMINS, status=201, refusals=(ServiceExists,))
async def create_service(request: Request, actor: Actor, body: ServiceIn) -> ServiceOut:
    """Add a service to the catalogue.

    409 `service_exists` means that another service has the name.
    """
    return await resolve(request, CatalogueService).create(actor, body)
