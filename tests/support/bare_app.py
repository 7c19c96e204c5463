"""A bare Sanic application for unit tests of the HTTP layer, asked by ASGI: no socket, no database, no settings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from sanic import Sanic
from sanic.models.handler_types import RouteHandler
from sanic_testing.testing import SanicASGITestClient


class BareApp(Sanic[Any, Any]):
    """A class of its own, because the client changes the class of its application."""


class BareClient:
    """Asks the application. Each request starts it anew, which takes a millisecond."""

    def __init__(self, client: SanicASGITestClient) -> None:
        self._client = client

    async def get(self, path: str, headers: list[tuple[bytes, bytes]] | dict[str, str] | None = None) -> httpx.Response:
        _, answer = await self._client.get(path, headers=headers)
        return answer


@asynccontextmanager
async def bare_client(
    monkeypatch: pytest.MonkeyPatch, routes: dict[str, RouteHandler], **config: object
) -> AsyncIterator[BareClient]:
    """Serve these routes by GET and HEAD."""
    monkeypatch.setattr(Sanic, "test_mode", False)  # the client turns it on for all applications, and leaves it on
    app = BareApp("bare", configure_logging=False)
    app.config.update(AUTO_EXTEND=False, **config)
    for path, handler in routes.items():
        app.add_route(handler, path, methods=["GET", "HEAD"], name=handler.__name__)
    async with SanicASGITestClient(app) as client:
        yield BareClient(client)
    Sanic.unregister_app(app)
