"""Jobs of promo codes."""

from typing import Any

from loguru import logger

from grome.infrastructure.container import Container
from grome.promos.redemptions import PromoRedemptions


async def sweep_promo_holds(job: dict[str, Any]) -> None:
    """Give back the uses of codes that are held for bookings that were never stored; runs every minute."""
    container: Container = job["container"]
    if freed := await container.get(PromoRedemptions).reap():
        logger.info("{} uses of promo codes were given back", freed)
