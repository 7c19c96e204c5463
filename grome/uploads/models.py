"""Define uploads: purpose, allowed content, state, and the keys of their files."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta, Struct, field

MAX_UNCLAIMED: Final = 20
MAX_CLAIMS: Final = 20
# A form is shorter lived than its upload, so no file arrives after the removal of an expired upload.
FORM_LIFE: Final = timedelta(minutes=15)
UNCLAIMED_LIFE: Final = timedelta(hours=2)
LINK_LIFE: Final = timedelta(minutes=10)
INCOMING: Final = "incoming/"
_CLAIMED: Final = "uploads/"


class Purpose(StrEnum):
    """Names the use of an upload: in a chat, in a profile, or in a verification."""

    MESSAGE = "message"
    PHOTO = "photo"
    VERIFICATION = "verification"


class ContentType(StrEnum):
    JPEG = "image/jpeg"
    PNG = "image/png"
    WEBP = "image/webp"
    PDF = "application/pdf"


class State(StrEnum):
    PENDING = "pending"
    CLAIMED = "claimed"


IMAGES: Final = frozenset({ContentType.JPEG, ContentType.PNG, ContentType.WEBP})
ALLOWED_TYPES: Final = {
    Purpose.MESSAGE: IMAGES,
    Purpose.PHOTO: IMAGES,
    Purpose.VERIFICATION: IMAGES | {ContentType.PDF},
}
MAX_BYTES: Final = {Purpose.MESSAGE: 10 * 2**20, Purpose.PHOTO: 10 * 2**20, Purpose.VERIFICATION: 20 * 2**20}
LARGEST: Final = max(MAX_BYTES.values())
EXTENSIONS: Final = {
    ContentType.JPEG: "jpg",
    ContentType.PNG: "png",
    ContentType.WEBP: "webp",
    ContentType.PDF: "pdf",
}


class Upload(Struct, frozen=True, kw_only=True):
    """Describes a file of `owner_id`.

    A pending upload holds one of its owner's `slot`s, numbered from 0, and expires. A claimed upload is used by one
    thing, named by `used_by`, and `file_key` is the key of its file. `copies` counts the copies that claims have made.
    """

    id: UUID = field(name="_id")
    owner_id: UUID
    purpose: Purpose
    content_type: ContentType
    size: Annotated[int, Meta(ge=1)]
    state: State
    slot: Annotated[int, Meta(ge=0, lt=MAX_UNCLAIMED)] | None
    copies: Annotated[int, Meta(ge=0, le=MAX_CLAIMS)] = 0
    file_key: str | None = None
    used_by: UUID | None = None
    created_at: datetime
    expires_at: datetime | None

    @property
    def incoming_key(self) -> str:
        """Return the key under which the form stores the file."""
        return f"{INCOMING}{self.id.hex}"

    @property
    def download_name(self) -> str:
        return f"{self.purpose.value}.{EXTENSIONS[self.content_type]}"

    def copy_key(self, number: int) -> str:
        """Return the key of the copy that a claim makes: the form can replace the incoming file, but no copy."""
        return f"{_CLAIMED}{self.id.hex}-{number}"
