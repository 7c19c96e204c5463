"""Define uploads: purpose, allowed content, state, and the keys of their files and images."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta, Struct, field

from grome.infrastructure.mongo.schema import stored_items

MAX_UNCLAIMED: Final = 20
MAX_CLAIMS: Final = 20
# A form is shorter lived than its upload, so no file arrives after the removal of an expired upload.
FORM_LIFE: Final = timedelta(minutes=15)
UNCLAIMED_LIFE: Final = timedelta(hours=2)
# A claimed upload that nothing uses is deleted when no request can be about to use it.
UNNEEDED_LIFE: Final = UNCLAIMED_LIFE + timedelta(hours=1)
LINK_LIFE: Final = timedelta(minutes=10)
INCOMING: Final = "incoming/"
# Files under this prefix are public; all others need a signed link.
PUBLIC: Final = "photos/"
_PRIVATE: Final = "uploads/"


class Purpose(StrEnum):
    """Names the use of an upload: in a chat, in a profile, or in a verification."""

    MESSAGE = "message"
    PHOTO = "photo"
    VERIFICATION = "verification"


class ContentType(StrEnum):
    """Names the type of a file."""

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
# The longest sides, in pixels, of the images that a claim makes of a file, the largest first.
SIDES: Final = {Purpose.MESSAGE: (2048,), Purpose.PHOTO: (1600, 640, 160), Purpose.VERIFICATION: (2400,)}
MAX_IMAGES: Final = max(map(len, SIDES.values()))


class StoredImage(Struct, frozen=True):
    """A JPEG image in the storage."""

    key: str
    width: int
    height: int


class Upload(Struct, frozen=True, kw_only=True):
    """Describes a file of `owner_id`.

    A pending upload holds one of its owner's `slot`s, numbered from 0, and expires. A claimed upload is used by one
    thing, named by `used_by`, and its `images` are made of the file, which is deleted. `file_key` is the key of the
    first image or, of uploads that were claimed before images were re-encoded, of the file. `copies` counts the claims
    that have begun.
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
    images: Annotated[list[StoredImage], stored_items(at_most=MAX_IMAGES)] = []
    used_by: UUID | None = None
    created_at: datetime
    expires_at: datetime | None

    @property
    def incoming_key(self) -> str:
        """Return the key under which the form stores the file."""
        return f"{INCOMING}{self.id.hex}"

    @property
    def stored_type(self) -> ContentType:
        """Return the type of the stored file, which a re-encoded file need not have been announced with."""
        return ContentType.JPEG if self.images else self.content_type

    @property
    def download_name(self) -> str:
        return f"{self.purpose.value}.{EXTENSIONS[self.stored_type]}"

    @property
    def stored_keys(self) -> set[str]:
        """Return the keys of all files of a claimed upload."""
        return {image.key for image in self.images} | ({self.file_key} if self.file_key else set())

    @property
    def all_keys(self) -> set[str]:
        """Return the keys of the incoming file and of the images of all claims, also of claims that failed."""
        images = (key for number in range(self.copies) for key in self.image_keys(number + 1))
        return {self.incoming_key, *images, *self.stored_keys}

    def image_keys(self, number: int) -> list[str]:
        """Return the keys of the images that a claim makes, the largest first. Each claim has a number of its own."""
        prefix = PUBLIC if self.purpose is Purpose.PHOTO else _PRIVATE
        return [f"{prefix}{self.id.hex}-{number}/{side}.jpg" for side in SIDES[self.purpose]]
