"""Define the wire format of the catalogue."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from grome.catalogue.models import Language, Line, Service, Text, Translation
from grome.common.text import SEARCH
from grome.infrastructure.http import PageQuery


class ServiceIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Describes a new service; `name` and `description` are English, other languages go into `translations`."""

    name: Line
    category: Line
    description: Text = ""
    translations: Annotated[dict[Language, Translation], Meta(max_length=30)] = {}


class ServiceOut(Struct, frozen=True):
    id: UUID
    name: str
    description: str
    category: str
    translations: dict[str, Translation]


class ServicePage(Struct, frozen=True):
    items: list[ServiceOut]
    next_cursor: str | None


class ServiceQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    q: (
        Annotated[
            str,
            Meta(min_length=1, max_length=100, description="Words to search for; the best match comes first."),
            SEARCH,
        ]
        | None
    ) = None
    category: Line | None = None


def service_out(service: Service) -> ServiceOut:
    return ServiceOut(service.id, service.name, service.description, service.category, service.translations)
