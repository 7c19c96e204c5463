"""Fixtures of the application with files in a folder and with files in a bucket."""

from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest

from config.sections.servers import StorageSettings
from config.settings import Settings
from grome.app import App
from tests.conftest import AdjustableClock
from tests.support.app import serve_app
from tests.support.http_client import http_client
from tests.support.s3 import bucket

__all__ = ["bucket"]


@pytest.fixture(scope="module", params=["folder", "s3"])
async def app(
    request: pytest.FixtureRequest,
    settings: Settings,
    bucket: StorageSettings,
    session_clock: AdjustableClock,
    database: None,  # noqa: ARG001
) -> AsyncIterator[App]:
    storage = settings.storage if request.param == "folder" else bucket
    async with serve_app(msgspec.structs.replace(settings, storage=storage), session_clock) as application:
        yield application


@pytest.fixture
async def http(app: App) -> AsyncIterator[httpx.AsyncClient]:
    async with http_client(app.ctx.base_url) as client:
        yield client
