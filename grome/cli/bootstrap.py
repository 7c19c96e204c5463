"""Settings and services for commands that need running servers."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from config.loading import load_settings
from config.production import key_faults
from config.settings import Settings, SettingsError
from grome.composition import open_container
from grome.infrastructure.container import Container
from grome.infrastructure.logs import configure_logging
from grome.infrastructure.made_keys import with_made_keys


def load_connected_settings() -> Settings:
    """Load settings and set up logging. Raises SettingsError if the URL of a server is missing."""
    settings = load_settings(os.environ)
    missing = [
        f"GROME_{name}_URL is not set, and only `grome run` starts a server of its own."
        for name, url in (("MONGO", settings.mongo.url), ("REDIS", settings.redis.url))
        if not url
    ]
    if missing:
        raise SettingsError(missing)
    settings = with_keys(settings)
    configure_logging(settings.log)
    return settings


def with_keys(settings: Settings) -> Settings:
    """Fill in missing keys from GROME_HOME, where the first call makes them. Raises SettingsError."""
    try:
        filled = with_made_keys(settings, Path(settings.home))
    except (OSError, ValueError) as fault:
        reason = fault.strerror if isinstance(fault, OSError) else "not UTF-8"
        raise SettingsError([f"Keys cannot be kept in GROME_HOME, {settings.home!r}: {reason}."]) from None
    if faults := key_faults(filled.accounts):
        raise SettingsError([f"{fault} The key is kept in GROME_HOME, {settings.home!r}." for fault in faults])
    return filled


def needs_local_stripe(settings: Settings) -> bool:
    """Return whether `grome run` starts the local stand-in for Stripe: never in production, nor beside a real key."""
    return not settings.stripe.secret_key and settings.env != "production"


@asynccontextmanager
async def opened_container(settings: Settings) -> AsyncIterator[Container]:
    container = await open_container(settings)
    try:
        yield container
    finally:
        await container.close()
