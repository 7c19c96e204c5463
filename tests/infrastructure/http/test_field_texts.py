"""Docstrings under the fields of Structs describe the fields in JSON schemas."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct, field

from grome.infrastructure.http.json_schemas import describe_types


class Place(Struct):
    """A place."""

    city: str
    """Where the
    place is."""


class Visit(Struct):
    """A visit."""

    id: UUID
    """Set by the server."""

    place: Place
    """Where the visit happens."""

    minutes: Annotated[int, Meta(description="Planned minutes.")]
    ends_at: datetime | None = field(name="end", default=None)
    """Null while the visit goes on."""

    price: Annotated[int, Meta(description="In minor units.")] | None = None


class LongVisit(Visit):
    """A visit with a break."""

    id: UUID
    """Set by the client."""

    break_min: int = 0
    """Minutes."""


def properties_of(struct: type[Struct]) -> dict[str, dict[str, object]]:
    properties: dict[str, dict[str, object]] = describe_types([struct])[1][struct.__name__]["properties"]
    return properties


def test_docstring_under_a_field_is_its_description_on_one_line() -> None:
    assert properties_of(Place) == {"city": {"type": "string", "description": "Where the place is."}}


def test_docstring_describes_a_renamed_nullable_field_and_a_reference() -> None:
    found = properties_of(Visit)
    assert found["end"]["description"] == "Null while the visit goes on."
    assert found["place"] == {"$ref": "#/components/schemas/Place", "description": "Where the visit happens."}


def test_description_of_a_type_stays_where_the_field_has_none() -> None:
    found = properties_of(Visit)
    assert (found["minutes"]["description"], found["price"]["description"]) == ("Planned minutes.", "In minor units.")


def test_inherited_field_keeps_its_description_unless_the_class_has_another() -> None:
    told = {name: schema.get("description") for name, schema in properties_of(LongVisit).items()}
    assert (told["id"], told["end"], told["break_min"]) == (
        "Set by the client.",
        "Null while the visit goes on.",
        "Minutes.",
    )
