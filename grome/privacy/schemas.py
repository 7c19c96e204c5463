"""Define the bodies of requests and responses about exports and deletions."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from grome.infrastructure.http import NextCursor
from grome.infrastructure.personal_data import KeptData
from grome.privacy.models import Export, State


class ExportOut(Struct, frozen=True, kw_only=True):
    """Describes an archive of your data."""

    id: UUID
    """Id of the export; the path parameter `export_id`."""
    state: State
    """The file can be downloaded while the state is `done`."""
    size: int | None
    """Size of the archive in bytes; null until done."""
    left_out: int
    """Number of photos and documents without room in the archive."""
    created_at: datetime
    """Time of the request."""
    ended_at: datetime | None
    """Time at which the export was done or failed; null until then."""
    expires_at: datetime
    """Time at which the file is deleted."""
    url: Annotated[str, Meta(examples=["https://grome.example/v1/files/example"])] | None
    """Download address, valid for ten minutes without a sign-in; null in lists and until done."""


class ExportPage(Struct, frozen=True):
    """Holds a page of exports, newest first."""

    items: list[ExportOut]
    """Your exports, newest first."""
    next_cursor: NextCursor


class DeletionIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Holds the password. It can be left out within ten minutes after a proof of identity."""

    password: Annotated[str, Meta(min_length=1, max_length=512, examples=["correct horse battery"])] | None = None
    """Your password; leave it out within ten minutes after a proof of identity."""


class DeletionOut(Struct, frozen=True):
    """Lists the data that stays after the deletion of the account."""

    erased_from: datetime
    """Start of the erasure in the background; it ends some minutes later."""
    kept: list[KeptData]
    """Data that stays without your name, e.g. for tax law."""


def export_out(export: Export, url: str | None = None) -> ExportOut:
    return ExportOut(
        id=export.id,
        state=export.state,
        size=export.size,
        left_out=export.left_out,
        created_at=export.created_at,
        ended_at=export.ended_at,
        expires_at=export.expires_at,
        url=url,
    )
