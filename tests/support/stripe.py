"""The local stand-in for Stripe as a process of its own, and a client of its control routes."""

import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import msgspec
import pytest
import stripe

from config.settings import Settings
from tests.support.eventually import START_PATIENCE_S
from tests.support.http_client import TLS
from tests.support.processes import free_port

SECRET_KEY: Final = "sk_test_local"
PUBLISHABLE_KEY: Final = "pk_test_local"
WEBHOOK_SECRET: Final = "whsec_local"


@dataclass
class LocalStripe:
    """A running server; `restart` starts it again with the same state."""

    url: str
    command: list[str]
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log)
        deadline = time.monotonic() + START_PATIENCE_S
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()
            try:
                httpx.get(f"{self.url}/_control/summary", timeout=2, verify=TLS)
            except httpx.TransportError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError(f"no answer:\n{self.log.read_text()}")

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()

    def restart(self) -> None:
        self.kill()
        self.start()

    @asynccontextmanager
    async def client(self, *, retries: int = 0, key: str = SECRET_KEY) -> AsyncIterator[stripe.StripeClient]:
        """Open the SDK's client in this event loop."""
        http = stripe.HTTPXClient(timeout=30)
        try:
            yield stripe.StripeClient(
                key,
                base_addresses={"api": self.url, "connect": self.url, "files": self.url, "meter_events": self.url},
                http_client=http,
                max_network_retries=retries,
            )
        finally:
            await http.close_async()  # type: ignore[no-untyped-call]


@contextmanager
def local_stripe(home: Path, webhook_url: str = "") -> Iterator[LocalStripe]:
    """Run the server on a free port, with its state and log in `home`."""
    port = free_port()
    options = {
        "port": str(port),
        "state": str(home / "stripe.sqlite"),
        "secret-key": SECRET_KEY,
        "webhook-url": webhook_url,
        "webhook-secret": WEBHOOK_SECRET,
    }
    arguments = [f"--{name}={value}" for name, value in options.items()]
    command = [sys.executable, "-m", "grome.dev.local_stripe", *arguments]
    server = LocalStripe(f"http://127.0.0.1:{port}", command, home / "stripe.log")
    server.start()
    try:
        yield server
    finally:
        server.kill()


def with_payments(settings: Settings, server: LocalStripe) -> Settings:
    """Turn payments on, with the local server."""
    stripe = msgspec.structs.replace(
        settings.stripe,
        secret_key=SECRET_KEY,
        publishable_key=PUBLISHABLE_KEY,
        webhook_secrets=WEBHOOK_SECRET,
        url=server.url,
    )
    return msgspec.structs.replace(settings, stripe=stripe)


class StripeControl:
    """Calls the control routes of a local server."""

    def __init__(self, url: str) -> None:
        self._http = httpx.AsyncClient(base_url=url, timeout=30, verify=TLS)

    async def close(self) -> None:
        await self._http.aclose()

    async def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Call a route below `/_control/`. The answer may be an error."""
        answer = await self._http.request(method, f"/_control/{path}", json=body)
        decoded: dict[str, Any] = answer.json()
        return decoded

    async def break_calls(self, kind: str, method: str, path: str, **rule: Any) -> None:
        """Add a fault, e.g. `drop_reply_after`; `nth`, `count` and `seconds` may be given."""
        await self.call("POST", "faults", {"kind": kind, "method": method, "path": path, **rule})

    async def end_faults(self) -> None:
        await self.call("DELETE", "faults")

    async def advance(self, seconds: float) -> None:
        """Move the clock of the server, with everything that is due by then."""
        await self.call("POST", "clock", {"advance_s": seconds})

    async def authenticate(self, intent_id: str, *, succeed: bool = True) -> dict[str, Any]:
        """Answer 3-D Secure, and return the intent or the error."""
        return await self.call("POST", "authenticate", {"id": intent_id, "succeed": succeed})

    async def pay(self, intent_id: str, card: str = "4242424242424242") -> dict[str, Any]:
        """Confirm an intent or setup as the customer's app does, with a card's number or a payment method's id."""
        chosen = {"payment_method": card} if card.startswith("pm_") else {"number": card}
        return await self.call("POST", "pay", {"intent": intent_id, **chosen})

    async def summary(self) -> dict[str, Any]:
        return await self.call("GET", "summary")

    async def calls(self) -> list[dict[str, Any]]:
        """List the API calls that the server has got."""
        found: list[dict[str, Any]] = (await self.call("GET", "calls"))["calls"]
        return found


@pytest.fixture(scope="session")
def stripe_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStripe]:
    """One local server for the tests of a folder, which sends no notifications."""
    with local_stripe(tmp_path_factory.mktemp("stripe")) as server:
        yield server


@pytest.fixture
async def control(stripe_server: LocalStripe) -> AsyncIterator[StripeControl]:
    """The controls of the local server, without faults before and after the test."""
    opened = StripeControl(stripe_server.url)
    await opened.end_faults()
    yield opened
    await opened.end_faults()
    await opened.close()
