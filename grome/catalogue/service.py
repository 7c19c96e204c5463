"""Read, search and extend the catalogue."""

from collections.abc import Collection
from uuid import UUID

from grome.catalogue.models import Service
from grome.catalogue.repository import AfterName, ByName, ServiceRepository
from grome.catalogue.schemas import ServiceIn, ServiceOut, ServicePage, ServiceQuery, service_out
from grome.common.actor import Actor
from grome.common.clock import Clock
from grome.common.errors import NotFound
from grome.common.ids import new_id
from grome.common.search_words import MAX_TERMS, words
from grome.infrastructure.http import cut_page, decode_cursor


class CatalogueService:
    def __init__(self, services: ServiceRepository, clock: Clock) -> None:
        self._services, self._clock = services, clock

    async def create(self, _admin: Actor, wanted: ServiceIn) -> ServiceOut:
        """Raises ServiceExists if the name is in use."""
        service = Service(
            id=new_id(),
            name=wanted.name,
            description=wanted.description,
            category=wanted.category,
            translations=dict(wanted.translations),
            created_at=self._clock(),
        )
        await self._services.add(service)
        return service_out(service)

    async def read(self, service_id: UUID) -> ServiceOut:
        service = await self._services.find(service_id)
        if service is None:
            raise NotFound
        return service_out(service)

    async def find_many(self, ids: Collection[UUID]) -> dict[UUID, Service]:
        """Return the services that exist, by id."""
        return await self._services.find_many(ids)

    async def page(self, query: ServiceQuery) -> ServicePage:
        """List services by name or, if the query has words, by the best match."""
        if query.q is None:
            after = decode_cursor(query.cursor, AfterName)
            found = await self._services.list_by_name(query.category, after, query.limit + 1)
            page, next_cursor = cut_page(found, query.limit, lambda service: AfterName(service.name))
            return ServicePage([service_out(service) for service in page], next_cursor)
        place = decode_cursor(query.cursor, ByName)
        sought = words(query.q)[:MAX_TERMS]
        matches = await self._services.search(sought, query.category, place, query.limit + 1) if sought else []
        best, next_cursor = cut_page(matches, query.limit, lambda match: match[1])
        return ServicePage([service_out(service) for service, _ in best], next_cursor)
