"""Jobs of the ledger."""

from typing import Any

from loguru import logger

from grome.infrastructure.container import Container
from grome.ledger.sealer import Sealer


async def seal_ledger(job: dict[str, Any]) -> None:
    """Seal the entries that were posted; runs every minute."""
    container: Container = job["container"]
    if sealed := await container.get(Sealer).seal():
        logger.info("{} ledger entries were sealed", sealed)
