"""Record requests as spans. Where nothing traces, handlers are not wrapped, and so cost nothing more."""

from collections.abc import Callable, Coroutine
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from typing import Any, Final

from loguru import logger
from sanic import Request

from grome.common.errors import ApiError
from grome.infrastructure.http.request_id import request_id
from grome.infrastructure.tracing.spans import is_tracing, root_span

_Endpoint = Callable[..., Coroutine[Any, Any, Any]]
_SERVER_FAULT: Final = 500


def with_span(endpoint: _Endpoint, method: str, route: str) -> _Endpoint:
    """Wrap a handler if this process traces. A `traceparent` of the client is the parent of its span."""
    if not is_tracing():
        return endpoint
    name = f"{method} {route}"

    @wraps(endpoint)
    async def traced(request: Request, **path: str) -> Any:  # noqa: ANN401 -- of the handler
        attributes = {"http.request.method": method, "http.route": route, "grome.request_id": request_id(request)}
        with root_span(name, request.headers.get("traceparent"), attributes) as span:
            request.ctx.trace_id = span.trace_id
            try:
                response = await endpoint(request, **path)
            except ApiError as refusal:
                span.set("http.response.status_code", refusal.status)
                if refusal.status >= _SERVER_FAULT:
                    raise
                refused: ApiError = refusal
            else:
                span.set("http.response.status_code", response.status if response else 200)
                return response
        raise refused  # outside the span, since a refusal is no failure

    return traced


def lines_of_trace(request: Request) -> AbstractContextManager[None]:
    """Name the trace of a request in log lines after its span has ended."""
    trace_id = getattr(request.ctx, "trace_id", None)
    return logger.contextualize(trace_id=trace_id) if trace_id else nullcontext()
