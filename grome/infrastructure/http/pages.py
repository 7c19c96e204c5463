"""Routes for people and their browsers, outside the documented API."""

from typing import Any

from sanic import Blueprint
from sanic.models.handler_types import RouteHandler

from grome.infrastructure.http.access_log import log_page, start_clock
from grome.infrastructure.http.responses import ERROR_FORMAT


class Pages(Blueprint):
    """Answers HEAD on every GET route (RFC 9110, section 9.1), and also reads an unexpected request body.

    Its requests are logged like those of the API.
    """

    def __init__(self, name: str, url_prefix: str | None = None) -> None:
        super().__init__(name, url_prefix)
        self.middleware(start_clock, "request")
        self.middleware(log_page, "response")

    def get(self, uri: str, **declared: Any) -> RouteHandler:  # type: ignore[override]  # noqa: ANN401 -- Sanic's own
        return self.route(uri, methods=["GET", "HEAD"], ignore_body=False, **declared)

    def route(self, uri: str, **declared: Any) -> RouteHandler:  # type: ignore[override]  # noqa: ANN401 -- Sanic's own
        decorate: RouteHandler = super().route(uri, **{**declared, "error_format": ERROR_FORMAT})
        return decorate
