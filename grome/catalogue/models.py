"""Define the catalogue, the list of services that barbers choose their offers from."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct, field

from grome.common.field_faults import FAULT
from grome.common.search_words import FindableWords
from grome.common.text import END, NAME, NOTE

ServiceName = Annotated[str, Meta(min_length=1, max_length=80, examples=["Skin fade"]), NAME]
Category = Annotated[str, Meta(min_length=1, max_length=80, examples=["Haircuts"]), NAME]
Text = Annotated[str, Meta(max_length=1000, examples=["Sides down to the skin, scissors on top."]), NOTE]
Language = Annotated[
    str,
    Meta(
        pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*" + END,
        extra={FAULT: "is not a language (BCP 47), such as de or pt-BR"},
        max_length=35,
    ),
]

# The same in answers, where no rule for new texts applies.
ShownService = Annotated[str, Meta(examples=["Skin fade"])]
ShownCategory = Annotated[str, Meta(examples=["Haircuts"])]
ShownText = Annotated[str, Meta(examples=["Sides down to the skin, scissors on top."])]


class Translation(Struct, frozen=True, forbid_unknown_fields=True):
    """Holds the texts of a service in another language."""

    name: ServiceName
    """Name of the service in this language."""
    description: Text = ""
    """Longer text in this language; empty for none."""


class Service(Struct, frozen=True, kw_only=True):
    """Holds a service of the catalogue. `translations` maps BCP 47 tags to texts; the plain fields are English."""

    id: UUID = field(name="_id")
    name: str
    description: str = ""
    category: str
    translations: dict[str, Translation] = {}
    created_at: datetime


class ServiceWords(Struct, frozen=True):
    """Holds the search words of a service, English and translated, from the most to the least significant field."""

    name: FindableWords
    category: FindableWords
    description: FindableWords


class StoredService(Service, frozen=True, kw_only=True):
    """Adds to the stored document the words for the search and the key that lists are sorted by."""

    words: ServiceWords
    name_key: str = ""
