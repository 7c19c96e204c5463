"""A client of a running Grome that checks each response."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import httpx
import msgspec
from msgspec import Struct

from grome.infrastructure.http.responses import JSON, Problem

T = TypeVar("T")


class BrokenPromise(Exception):
    """One sentence about an unexpected response of a running Grome."""


@dataclass(frozen=True, slots=True)
class ApiClient:
    """Sends requests with the access token `token`, or anonymously."""

    http: httpx.Client
    token: str | None = None

    def request(
        self,
        method: str,
        path: str,
        expected: type[T],
        *,
        status: int = 200,
        params: Mapping[str, str | float] | None = None,
        body: Struct | None = None,
        idempotency_key: str | None = None,
    ) -> T:
        """Send a request and decode the response. Raises BrokenPromise for another status or another shape."""
        headers = {
            "Authorization": f"Bearer {self.token}" if self.token else None,
            "Content-Type": JSON if body else None,
            "Idempotency-Key": idempotency_key,
        }
        response = self.http.request(
            method,
            path,
            params=params,
            content=msgspec.json.encode(body) if body else None,
            headers={name: value for name, value in headers.items() if value},
        )
        if response.status_code != status:
            raise BrokenPromise(f"{method} {path} should answer {status}, and answered {_describe(response)}")
        try:
            return msgspec.json.decode(response.content, type=expected)
        except msgspec.MsgspecError as fault:
            raise BrokenPromise(f"{method} {path} did not answer a {expected.__name__}: {fault}") from None


def _describe(response: httpx.Response) -> str:
    try:
        problem = msgspec.json.decode(response.content, type=Problem)
    except msgspec.MsgspecError:
        return f"{response.status_code} {response.reason_phrase}"
    return f"{problem.status} {problem.code}: {problem.detail or problem.title}"
