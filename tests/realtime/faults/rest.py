"""REST requests of a person, repeated while the server cannot answer."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from grome.accounts.tokens import AccessTokens
from grome.common.actor import Actor
from grome.live_client.items import RequestRefused

_AGAIN_S = 0.1


@dataclass
class Rest:
    """Signs its own access tokens, so that none expires."""

    http: httpx.AsyncClient
    tokens: AccessTokens
    actor: Actor

    @property
    def user(self) -> str:
        return str(self.actor.id)

    async def get(self, path: str) -> Any:
        return await self.request("GET", path)

    async def get_all(self, path: str) -> list[Any]:
        """Return a list that fits one page, since pages are no snapshot."""
        page = await self.get(f"{path}?limit=100")
        assert page["next_cursor"] is None
        items: list[Any] = page["items"]
        return items

    async def request(self, method: str, path: str, body: object = None, key: str | None = None) -> Any:
        """Return the body of the answer. Raises RequestRefused for an answer that a repeat would not change."""
        while True:
            headers = {"Authorization": f"Bearer {self.tokens.issue(self.actor, datetime.now(UTC))}"} | (
                {"Idempotency-Key": key} if key else {}
            )
            try:
                answer = await self.http.request(method, path, json=body, headers=headers)
            except httpx.TransportError:
                await asyncio.sleep(_AGAIN_S)
                continue
            if answer.is_success:
                return answer.json() if answer.content else None
            code = answer.json()["code"]
            if answer.status_code not in {429, 503} and code != "idempotency_key_in_flight":
                raise RequestRefused(code, answer.text)
            await asyncio.sleep(_AGAIN_S)
