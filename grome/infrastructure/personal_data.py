"""The contract of features that hold personal data: export it, erase it, and say which part stays."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Annotated, Any, Protocol
from uuid import UUID

from msgspec import Meta, Struct

from grome.common.actor import Role


class Person(Struct, frozen=True):
    """The owner of an account."""

    id: UUID
    role: Role


class ExportedRecord(Struct, frozen=True):
    """One object for the list `name` of the archive, made of plain values."""

    name: str
    fields: dict[str, Any]


class ExportedFile(Struct, frozen=True):
    """One stored file for the archive, under the path `name`; `key` is its key in the storage."""

    name: str
    key: str


Exported = ExportedRecord | ExportedFile


class KeptData(Struct, frozen=True):
    """Data that stays after a deletion."""

    data: Annotated[str, Meta(examples=["bookings"])]
    """Names the data that stays, in English, e.g. `bookings`."""
    reason: Annotated[
        str, Meta(examples=["Services, times and prices are part of the books. Notes and addresses are removed."])
    ]
    """Explains in English why the data stays, and which part of it is removed."""


class OpenMatter(Struct, frozen=True):
    """A matter that has to end before the account can be deleted. `kind` is a stable code."""

    kind: str
    count: int


class PersonalData(Protocol):
    """The personal data in one place, e.g. a collection."""

    @property
    def name(self) -> str: ...

    def export(self, person: Person) -> AsyncIterator[Exported]:
        """Yield the data of a person.

        Of other people it contains only as much as the person can read by the API.
        """

    async def find_open(self, person: Person) -> Sequence[OpenMatter]:
        """Return the matters that forbid the deletion of the account."""

    async def erase(self, person: Person) -> None:
        """Erase or anonymise the data of a person. Repeating it, also after an interruption, is harmless."""

    def kept(self, role: Role) -> KeptData | None:
        """Return the data of people of this role that stays after `erase`."""


class OldData(Protocol):
    """Data that is not needed for ever, e.g. the addresses of visits of years ago."""

    @property
    def name(self) -> str: ...

    async def expire(self, since: datetime, until: datetime) -> None:
        """Erase the data of this span of time. Repeating it, also after an interruption, is harmless."""
