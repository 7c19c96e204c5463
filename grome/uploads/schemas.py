"""Define the bodies of requests and responses about uploads."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from grome.uploads.models import LARGEST, ContentType, Purpose

Size = Annotated[
    int,
    Meta(ge=1, le=LARGEST, description="Of the file, in bytes: 10 MiB at most, or 20 MiB for a verification."),
]


class UploadIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Announces a file. Messages and profiles take JPEG, PNG and WebP images; verifications take PDF files too."""

    purpose: Purpose
    content_type: ContentType
    size: Size


class UploadOut(Struct, frozen=True):
    """Describes the form that stores the file.

    Send a POST in `multipart/form-data` to `url` with all `fields`, and the file as the last field, named `file`. The
    form is valid until `form_expires_at`. Name the upload by its `id` where it is used, before it expires.
    """

    id: UUID
    url: str
    fields: dict[str, str]
    form_expires_at: datetime
    expires_at: datetime
