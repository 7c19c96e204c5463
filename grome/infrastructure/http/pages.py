"""Routes for people and their browsers, outside the documented API."""

from typing import Any

from sanic import Blueprint
from sanic.models.handler_types import RouteHandler


class Pages(Blueprint):
    """Answers HEAD on every GET route (RFC 9110, section 9.1), and also reads an unexpected request body."""

    def get(self, uri: str, **declared: Any) -> RouteHandler:  # type: ignore[override]  # noqa: ANN401 -- Sanic's own
        decorate: RouteHandler = self.route(uri, methods=["GET", "HEAD"], ignore_body=False, **declared)
        return decorate
