"""Define the wire format of the catalogue."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from grome.catalogue.models import (
    Category,
    Language,
    Service,
    ServiceName,
    ShownCategory,
    ShownService,
    ShownText,
    Text,
    Translation,
)
from grome.common.text import SEARCH
from grome.infrastructure.http import NextCursor, PageQuery


class ServiceIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Describes a new service."""

    name: ServiceName
    """In English; must differ from the name of every other service."""
    category: Category
    """In English; groups services in lists."""
    description: Text = ""
    """In English, line breaks included; empty for none."""
    translations: Annotated[dict[Language, Translation], Meta(max_length=30)] = {}
    """Texts in other languages by BCP 47 tag, such as `de` or `pt-BR`."""


class ServiceOut(Struct, frozen=True):
    """Describes a service of the catalogue, which barbers offer at their own prices."""

    id: UUID
    """Id of the service; `service_id` and `service_ids` elsewhere."""
    name: ShownService
    """In English; other languages are in `translations`."""
    description: ShownText
    """In English; empty for none."""
    category: ShownCategory
    """In English; the filter `category` takes it as it is."""
    translations: dict[str, Translation]
    """Texts in other languages by BCP 47 tag, such as `de`."""


class ServicePage(Struct, frozen=True):
    """Holds a page of the catalogue."""

    items: list[ServiceOut]
    """By name, or the best match first with `q`."""
    next_cursor: NextCursor


class ServiceQuery(PageQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    q: (
        Annotated[
            str,
            Meta(min_length=1, max_length=100, examples=["fade"]),
            SEARCH,
        ]
        | None
    ) = None
    """Words to search in name, category and description, translations included; the best match comes first."""
    category: Category | None = None
    """Category in English, exactly as in the catalogue."""


def service_out(service: Service) -> ServiceOut:
    return ServiceOut(service.id, service.name, service.description, service.category, service.translations)
