"""Jobs of promo codes."""

from typing import Any

from loguru import logger

from grome.composition import AppContext


async def sweep_promo_holds(job: dict[str, Any]) -> None:
    """Give back the uses of codes that are held for bookings that were never stored; runs every minute."""
    context: AppContext = job["grome"]
    if freed := await context.promo_redemptions.reap():
        logger.info("{} uses of promo codes were given back", freed)
