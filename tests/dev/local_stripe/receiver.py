"""A webhook of a test: a real HTTP server that stores each request and answers with the next status."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import stripe

from tests.support.stripe import WEBHOOK_SECRET


@dataclass
class Receiver:
    """`answers` are the statuses of the next answers; then 200. `received` are bodies with their signatures."""

    url: str = ""
    answers: list[int] = field(default_factory=list)
    received: list[tuple[bytes, str]] = field(default_factory=list)

    def types(self) -> list[str]:
        return [event.type for event in self.events()]

    def ids(self) -> list[str]:
        return [event.id for event in self.events()]

    def events(self) -> list[stripe.v2.core.EventNotification]:
        """Return the events after a check of their signatures."""
        client = stripe.StripeClient("sk_test_unused")
        return [client.parse_event_notification(body, header, WEBHOOK_SECRET) for body, header in self.received]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
                body = await reader.readexactly(int(headers["content-length"]))
                status = self.answers.pop(0) if self.answers else 200
                self.received.append((body, headers["stripe-signature"]))
                writer.write(f"HTTP/1.1 {status} Answer\r\nContent-Length: 0\r\n\r\n".encode())
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def receiving(port: int) -> AsyncIterator[Receiver]:
    receiver = Receiver(f"http://127.0.0.1:{port}/v1/stripe/webhook")
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", port)
    try:
        yield receiver
    finally:
        server.close()
