"""Asks each operation once, and keeps the answers."""

from typing import Any

import httpx

from tests.api.surface import ROUTES

BY_NAME = {route.operation.handler.__name__: route for route in ROUTES}


class Story:
    """Asks by operation id, and keeps the answers."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.answers: dict[str, httpx.Response] = {}

    async def ask(self, name: str, auth: dict[str, str] | None = None, /, **request: Any) -> Any:
        """`request` has the arguments of httpx and the path parameters."""
        route = BY_NAME[name]
        parts = {part: request.pop(part) for part in route.parts}
        response = await self.client.request(route.method, route.url(**parts), headers=auth, **request)
        assert response.is_success, (name, response.text)
        self.answers[name] = response
        return response.json() if "json" in response.headers.get("content-type", "") else None
