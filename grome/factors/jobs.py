"""Jobs of second factors."""

from typing import Any

from loguru import logger

from grome.factors.authenticator_apps import AuthenticatorApps
from grome.infrastructure.container import Container


async def reseal_app_secrets(job: dict[str, Any]) -> None:
    """Seal secrets of authenticator apps by the current secrets key; runs daily."""
    container: Container = job["container"]
    if count := await container.get(AuthenticatorApps).reseal_secrets():
        logger.info("The secrets of {} authenticator apps were sealed by the current key", count)
