"""The application behind a real listening socket, in the test's own event loop, so that tests reach its container."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sanic import Sanic

from config.settings import Settings
from grome.app import App, create_app
from grome.common.clock import Clock, system_clock
from grome.nearby.fast_path import protocol_class


@asynccontextmanager
async def served(settings: Settings, clock: Clock = system_clock) -> AsyncIterator[App]:
    """Several at a time can be; `app.ctx.base_url` says where."""
    application = create_app(settings, clock)
    # Sanic keeps one application of a name, and can rewrite its own source for one only (as it does in `running`).
    Sanic.unregister_app(application)
    application.config.TOUCHUP = False
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = await application.create_server(
        sock=listener, return_asyncio_server=True, protocol=protocol_class(settings.nearby)
    )
    assert server is not None
    await server.startup()
    await server.before_start()
    await server.after_start()
    await server.start_serving()
    application.ctx.base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        yield application
    finally:
        await server.before_stop()
        server.close()
        await server.wait_closed()
        await server.after_stop()
