"""Define the bodies of requests and responses about photos."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from grome.photos.models import MAX_PHOTOS, Photo, PhotoSize, Portfolio


class PortfolioIn(Struct, frozen=True, forbid_unknown_fields=True):
    """Names your uploads with the purpose `photo`: new uploads, and photos of the present portfolio to keep.

    The order counts. Photos that are not named are removed.
    """

    photos: Annotated[list[UUID], Meta(max_length=MAX_PHOTOS)]
    """Upload ids in the order to show, 20 at most; photos left out are removed."""
    picture: UUID | None = None
    """Upload id of the profile picture; null removes the picture."""


class ImageOut(Struct, frozen=True):
    """Links to a JPEG image. The image at an address never changes, so it can be cached for good."""

    url: Annotated[str, Meta(examples=["https://grome.example/v1/photos/019b76da0a1b7c3d8e4f5a6b7c8d9e0f-1/640.jpg"])]
    """Public address of the JPEG image, without a sign-in; cache it for good."""
    width: int
    """In pixels."""
    height: int
    """In pixels."""


class PhotoOut(Struct, frozen=True):
    """Describes a photo. Its longest sides are at most 1600, 640 and 160 pixels."""

    id: UUID
    """Id of the upload; send it in `PUT /v1/barbers/me/photos` to keep the photo."""
    large: ImageOut
    """Longest side at most 1600 pixels, for the full screen."""
    medium: ImageOut
    """Longest side at most 640 pixels, for lists."""
    small: ImageOut
    """Longest side at most 160 pixels, for avatars and maps."""


class PortfolioOut(Struct, frozen=True):
    """Shows a barber's profile picture and photos."""

    picture: PhotoOut | None
    """The profile picture; null if the barber has none."""
    photos: list[PhotoOut]
    """Photos of the barber's work, in the barber's order."""


def portfolio_out(portfolio: Portfolio, public_base: str) -> PortfolioOut:
    """`public_base` is the beginning of the addresses of photos."""

    def image(size: PhotoSize) -> ImageOut:
        return ImageOut(f"{public_base}/{size.key}", size.width, size.height)

    def photo(one: Photo) -> PhotoOut:
        return PhotoOut(one.id, *map(image, one.sizes))

    return PortfolioOut(
        photo(portfolio.picture) if portfolio.picture else None, [photo(one) for one in portfolio.photos]
    )
