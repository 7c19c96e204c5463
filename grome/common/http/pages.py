"""Routes for people and their browsers, outside the documented API."""

from typing import Any

from sanic import Blueprint
from sanic.models.handler_types import RouteHandler


class Pages(Blueprint):
    """A blueprint whose GET routes answer HEAD too (RFC 9110, section 9.1), and read a body that nobody asked for."""

    def get(self, uri: str, **declared: Any) -> RouteHandler:  # type: ignore[override]  # noqa: ANN401 -- Sanic's own
        decorate: RouteHandler = self.route(uri, methods=["GET", "HEAD"], ignore_body=False, **declared)
        return decorate
