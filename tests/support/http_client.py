"""HTTP clients of the tests."""

import ssl
from typing import Final

import httpx

from tests.support.eventually import PATIENCE_S
from tests.support.http_transport import LeanTransport

TLS: Final = ssl.create_default_context()  # shared: to make one takes 26 ms of CPU, more than most tests


def http_client(url: str, timeout_s: float = PATIENCE_S) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, timeout=timeout_s, transport=LeanTransport())
