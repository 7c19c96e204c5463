"""Requests that no client library would send, byte by byte."""

import asyncio

import httpx

from tests.support.eventually import PATIENCE_S


async def send(base_url: str, request: bytes) -> httpx.Response:
    """Send `request` and return the response to its first request."""
    url = httpx.URL(base_url)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    try:
        writer.write(request)
        async with asyncio.timeout(PATIENCE_S):
            return await read_answer(reader)
    finally:
        writer.close()
        await writer.wait_closed()


async def read_answer(reader: asyncio.StreamReader, *, with_body: bool = True) -> httpx.Response:
    """Read the next response; a response to HEAD has no body despite its Content-Length."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = httpx.Headers([(name, value) for name, _, value in (line.partition(": ") for line in head[1:] if line)])
    content = await reader.readexactly(int(headers.get("content-length", 0))) if with_body else b""
    return httpx.Response(int(head[0].split(" ")[1]), headers=headers, content=content)
