"""The end of an API process: it leaves the load balancer, moves live clients away, and finishes its requests.

From the signal on, each response ends its connection (`strict_http.py`), so that clients connect anew elsewhere. A
process that stops keeps accepting connections for GROME_HTTP_STOP_DELAY_S, while /health/ready answers 503. A process
that another one has replaced stops accepting at once: both listen on the same socket, where connections wait.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from sanic import Sanic

from config.sections.servers import HttpSettings

# A client of a replaced process that is silent for so long has most likely no request on its way when the connection is
# closed.
IDLE_SECONDS: Final = 5.0
# A replaced process has so long for its requests and its live clients.
REPLACED_SECONDS: Final = 13.0


def stop_in_steps(app: Sanic[Any, Any], settings: HttpSettings, drain: Callable[[], Awaitable[None]]) -> None:
    """Register the steps of a stop. `drain` moves live clients away."""
    app.ctx.is_replaced = False
    app.config.GRACEFUL_SHUTDOWN_TIMEOUT = settings.finish_s

    # Sanic calls it a second time if the first call meets a loop that is just being stopped.
    @app.before_server_stop
    async def leave(app: Sanic[Any, Any]) -> None:
        app.state.is_stopping = True
        if app.ctx.is_replaced:
            app.ctx.draining = asyncio.ensure_future(drain())  # beside the requests, after the listener has closed
        else:
            await asyncio.sleep(settings.stop_delay_s)
            await drain()


def stop_replaced(app: Sanic[Any, Any]) -> None:
    """Stop this process after another one has taken its place."""
    app.ctx.is_replaced = True
    app.config.GRACEFUL_SHUTDOWN_TIMEOUT = max(app.config.GRACEFUL_SHUTDOWN_TIMEOUT, REPLACED_SECONDS)
    app.stop(terminate=False)


def is_replaced(app: Sanic[Any, Any]) -> bool:
    return getattr(app.ctx, "is_replaced", False)


def is_leaving(app: Sanic[Any, Any]) -> bool:
    """Return whether load balancers should send no more requests here."""
    return app.state.is_stopping and not is_replaced(app)
