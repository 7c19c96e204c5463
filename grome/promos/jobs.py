"""What workers do with promo codes."""

from typing import Any

from loguru import logger

from grome.composition import AppContext


async def sweep_promo_holds(job: dict[str, Any]) -> None:
    """Give back the uses of codes whose booking never came; runs every minute and finds by itself what is due."""
    context: AppContext = job["grome"]
    if freed := await context.promo_redemptions.reap():
        logger.info("{} uses of promo codes were given back", freed)
