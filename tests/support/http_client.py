"""HTTP clients that share one TLS context: to make one takes 26 ms of CPU, more than most tests."""

import ssl
from typing import Final

import httpx

from tests.support.eventually import PATIENCE_S

TLS: Final = ssl.create_default_context()


def http_client(url: str, timeout_s: float = PATIENCE_S) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, timeout=timeout_s, verify=TLS)
