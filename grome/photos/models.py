"""Define the portfolio of a barber: a profile picture, and photos in their order."""

import hashlib
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta, Struct, field

from grome.infrastructure.mongo.schema import stored_items

MAX_PHOTOS: Final = 20
_MAX_REMOVED: Final = 2 * (MAX_PHOTOS + 1)


class PhotoSize(Struct, frozen=True):
    """One JPEG image of a photo; `key` is its key in the storage, which is public."""

    key: str
    width: int
    height: int


class Photo(Struct, frozen=True):
    """A photo with the id of its upload, in three sizes, the largest first."""

    id: UUID
    sizes: Annotated[list[PhotoSize], stored_items(at_most=3)]


class Portfolio(Struct, frozen=True, kw_only=True):
    """Holds the portfolio of a barber, under the id of the barber's account.

    The files of `removed` uploads are not deleted yet. `tidy_at` is when files that are left may be deleted.
    """

    id: UUID = field(name="_id")
    picture: Photo | None = None
    photos: Annotated[list[Photo], stored_items(at_most=MAX_PHOTOS)] = []
    removed: Annotated[list[UUID], stored_items(at_most=_MAX_REMOVED)] = []
    tidy_at: datetime | None = None
    version: Annotated[int, Meta(ge=0)] = 0
    updated_at: datetime | None = None

    @property
    def upload_ids(self) -> set[UUID]:
        return {photo.id for photo in self.photos} | ({self.picture.id} if self.picture else set())


def portfolio_id_of(barber_id: UUID) -> UUID:
    """Derive the id that the uploads of a portfolio are claimed for."""
    return UUID(bytes=hashlib.sha256(b"portfolio\0" + barber_id.bytes).digest()[:16])
