"""An application of its own under the name `localhost`, because browsers make no passkeys for addresses of numbers."""

from collections.abc import AsyncIterator

import msgspec
import pytest

from config.settings import Settings
from grome.app import App
from grome.common.clock import Clock
from tests.support.app import apart, container, database, http, serve_app
from tests.support.processes import free_port

__all__ = ["container", "database", "http"]


@pytest.fixture(scope="session")
def settings(settings: Settings) -> Settings:
    own, port = apart(settings, "account_page", 12), free_port()
    return msgspec.structs.replace(
        own, http=msgspec.structs.replace(own.http, port=port, public_url=f"http://localhost:{port}")
    )


@pytest.fixture(scope="session")
async def app(settings: Settings, session_clock: Clock, database: None) -> AsyncIterator[App]:  # noqa: ARG001
    async with serve_app(settings, session_clock, port=settings.http.port) as application:
        yield application
