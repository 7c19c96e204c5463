"""Answer /health and /metrics in a process without an API, on its event loop: a stuck process answers nothing."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from grome.app import create_operations_app
from grome.infrastructure.container import Container
from grome.infrastructure.http.strict_http import StrictHttpProtocol

# For the responses under way; the clients of servers are closed next.
_FINISH_SECONDS: Final = 1.0
_POLL_SECONDS: Final = 0.05


@asynccontextmanager
async def answering(container: Container, port: int) -> AsyncIterator[None]:
    """Answer inside the block; at its end finish the responses under way."""
    loop = asyncio.get_running_loop()
    app = create_operations_app(container)
    server = await app.create_server(
        container.settings.http.host, port, protocol=StrictHttpProtocol, return_asyncio_server=True
    )
    assert server is not None  # noqa: S101 -- it was asked for
    await server.startup()  # type: ignore[no-untyped-call]
    await server.start_serving()  # type: ignore[no-untyped-call]
    try:
        yield
    finally:
        app.state.is_stopping = True
        server.close()  # type: ignore[no-untyped-call]
        deadline = loop.time() + _FINISH_SECONDS
        while _close_idle(server.connections) and loop.time() < deadline:  # noqa: ASYNC110 -- Sanic has no event
            await asyncio.sleep(_POLL_SECONDS)


def _close_idle(connections: set[StrictHttpProtocol]) -> bool:
    """Close idle connections, and return whether there are others."""
    return not all([each.close_if_idle() for each in list(connections)])  # noqa: C419 -- each of them
