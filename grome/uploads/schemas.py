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
    """Decides the allowed types and the size: send the id in a message, a portfolio or a verification."""
    content_type: ContentType
    """Type of the file; PDF for a verification only."""
    size: Size


class UploadOut(Struct, frozen=True):
    """Describes the form that stores the file.

    Send it as `multipart/form-data`, and name the upload by its id where it is used.
    """

    id: UUID
    """Id of the upload, to name it in a message, a portfolio or a verification."""
    url: Annotated[str, Meta(examples=["https://grome.example/v1/files/uploads"])]
    """Address to send the form to, by `POST` as `multipart/form-data`."""
    fields: dict[str, str]
    """Fields of the form: send all of them, before the file in the field `file`."""
    form_expires_at: datetime
    """The form takes the file until then."""
    expires_at: datetime
    """An upload that is not used by then is removed with its file."""
