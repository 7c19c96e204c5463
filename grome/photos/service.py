"""Show portfolios, change them, and delete the files of removed photos."""

from contextlib import suppress
from typing import Final
from uuid import UUID

from msgspec import structs

from grome.barbers.errors import ProfileMissing
from grome.barbers.service import BarberService
from grome.common.actor import Actor
from grome.common.clock import Clock
from grome.common.errors import Invalid, Unavailable
from grome.infrastructure.isolated_items import Sweep
from grome.photos.models import Photo, PhotoSize, Portfolio, portfolio_id_of
from grome.photos.repository import PortfolioRepository
from grome.photos.schemas import PortfolioIn, PortfolioOut, portfolio_out
from grome.uploads.models import UNNEEDED_LIFE, Purpose, Upload
from grome.uploads.service import UploadService

_MAX_ATTEMPTS: Final = 5
_BATCH_SIZE: Final = 100


class PhotoService:
    """`public_base` is the beginning of the addresses of photos."""

    def __init__(
        self,
        portfolios: PortfolioRepository,
        uploads: UploadService,
        barbers: BarberService,
        public_base: str,
        clock: Clock,
    ) -> None:
        self._portfolios, self._uploads, self._barbers = portfolios, uploads, barbers
        self._public_base, self._clock = public_base, clock
        self._untidy = Sweep[Portfolio](
            "removed photos",
            lambda after, limit: portfolios.list_untidy(clock(), after.id if after else None, limit),
            _BATCH_SIZE,
        )

    async def read(self, barber_id: UUID) -> PortfolioOut:
        """Return the portfolio of a barber. Raises NotFound, also for a barber that is not approved."""
        await self._barbers.get_approved(barber_id)
        return portfolio_out(await self._find(barber_id), self._public_base)

    async def read_own(self, actor: Actor) -> PortfolioOut:
        return portfolio_out(await self._find(actor.id), self._public_base)

    async def put(self, actor: Actor, wanted: PortfolioIn) -> PortfolioOut:
        """Replace the actor's portfolio; a repeat changes nothing.

        Raises ProfileMissing, Invalid, UploadRefused, and Unavailable if the storage is away, too many images are being
        read, or other requests keep changing the portfolio.
        """
        if len(set(wanted.photos)) < len(wanted.photos):
            raise Invalid("photos", "names an upload twice")
        if await self._barbers.find(actor.id) is None:
            raise ProfileMissing
        ids = dict.fromkeys([*wanted.photos, *([wanted.picture] if wanted.picture else [])])
        tidy_at = self._clock() + UNNEEDED_LIFE
        await self._portfolios.mark_begun(actor.id, tidy_at)
        for _ in range(_MAX_ATTEMPTS):
            before = await self._delete_removed(await self._find(actor.id))
            claimed = await self._uploads.claim(actor, list(ids), Purpose.PHOTO, portfolio_id_of(actor.id))
            photos = {one.id: _photo(one) for one in claimed}
            after = structs.replace(
                before,
                picture=photos[wanted.picture] if wanted.picture else None,
                photos=[photos[one] for one in wanted.photos],
                removed=list(before.upload_ids - photos.keys()),
                tidy_at=tidy_at,
                version=before.version + 1,
                updated_at=self._clock(),
            )
            if (after.picture, after.photos) == (before.picture, before.photos):
                return portfolio_out(before, self._public_base)
            if await self._portfolios.replace(before, after):
                with suppress(Unavailable):  # the cron entry deletes the files later
                    await self._delete_removed(after)
                return portfolio_out(after, self._public_base)
        raise Unavailable("The portfolio is being changed by other requests; try again.")

    async def tidy(self) -> None:
        """Delete the files of removed photos, and of photos that no portfolio uses, that an interruption has left."""
        await self._untidy.run(self._tidy)

    async def _tidy(self, portfolio: Portfolio) -> None:
        now, owner = self._clock(), portfolio_id_of(portfolio.id)
        await self._delete_removed(portfolio)
        is_tidy = await self._uploads.discard_unneeded(owner, portfolio.upload_ids, now - UNNEEDED_LIFE)
        await self._portfolios.mark_tidied(portfolio, None if is_tidy else now + UNNEEDED_LIFE)

    async def _delete_removed(self, portfolio: Portfolio) -> Portfolio:
        """Delete the files of removed photos, and return the portfolio without them."""
        if not portfolio.removed:
            return portfolio
        await self._uploads.discard_many(portfolio_id_of(portfolio.id), portfolio.removed)
        await self._portfolios.mark_deleted(portfolio.id, portfolio.removed)
        return structs.replace(portfolio, removed=[])

    async def _find(self, barber_id: UUID) -> Portfolio:
        """Return the portfolio; without any, a portfolio of version 0."""
        return await self._portfolios.find(barber_id) or Portfolio(id=barber_id)


def _photo(upload: Upload) -> Photo:
    return Photo(upload.id, [PhotoSize(image.key, image.width, image.height) for image in upload.images])
