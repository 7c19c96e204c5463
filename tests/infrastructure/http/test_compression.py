"""gzip of answers: by isal and by zlib where isal has no wheel, and only for clients that accept it."""

import gzip
import runpy
import sys
from collections.abc import AsyncIterator

import msgspec
import pytest
from sanic import HTTPResponse, Request
from sanic.response import BaseHTTPResponse

from grome.infrastructure.http import compression, reply
from grome.infrastructure.http.caching import REVALIDATED
from grome.infrastructure.http.responses import JSON, body
from tests.support.bare_app import BareClient, bare_client

LEAST = 1_000
CONTENT = b'{"items":[' + b",".join(b'{"id":%d,"name":"Chair"}' % number for number in range(400)) + b"]}"


@pytest.mark.parametrize("has_isal", [True, False])
def test_compressed_content_is_gzip_with_and_without_isal(monkeypatch: pytest.MonkeyPatch, *, has_isal: bool) -> None:
    if not has_isal:
        monkeypatch.setitem(sys.modules, "isal.isal_zlib", None)
    module = runpy.run_path(compression.__file__)
    assert module["compress"].__module__ == ("isal.isal_zlib" if has_isal else "zlib")
    packed = module["compressed"](CONTENT)
    assert gzip.decompress(packed) == CONTENT
    assert len(packed) < len(CONTENT) / 4
    assert packed == module["compressed"](CONTENT), "without the time of day"


async def prebuilt(request: Request) -> BaseHTTPResponse:
    return reply(request, msgspec.Raw(CONTENT))


async def kept(request: Request) -> HTTPResponse:
    return body(request, CONTENT, 200, JSON, REVALIDATED)


async def small(request: Request) -> HTTPResponse:
    return body(request, CONTENT[: LEAST - 1], 200, JSON, REVALIDATED)


@pytest.fixture
async def bare(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[BareClient]:
    routes = {"/prebuilt": prebuilt, "/kept": kept, "/small": small}
    async with bare_client(monkeypatch, routes, GZIP_MIN_BYTES=LEAST) as client:
        yield client


@pytest.mark.parametrize(
    "accepted", ["gzip", "br, gzip", "gzip;q=0.5", "GZIP", "*", "deflate;q=0, gzip ; q=1", "identity, x, gzip"]
)
@pytest.mark.parametrize("path", ["/prebuilt", "/kept"])
async def test_large_answer_is_compressed_for_a_client_that_accepts_gzip(
    bare: BareClient, path: str, accepted: str
) -> None:
    answer = await bare.get(path, {"Accept-Encoding": accepted})
    assert (answer.headers["content-encoding"], answer.headers["vary"]) == ("gzip", "Accept-Encoding")
    assert answer.content == CONTENT
    assert int(answer.headers.get("content-length", 0)) < len(CONTENT) / 3


@pytest.mark.parametrize(
    "accepted", ["", "br", "identity", "gzip;q=0", "gzip; q=0.000", "gzip;q=0, *", "*, gzip;q=0.", "*;q=0"]
)
@pytest.mark.parametrize("path", ["/prebuilt", "/kept"])
async def test_large_answer_is_sent_as_it_is_to_a_client_that_refuses_gzip(
    bare: BareClient, path: str, accepted: str
) -> None:
    """It varies by the header all the same; otherwise a cache would send it to clients that accept gzip."""
    answer = await bare.get(path, {"Accept-Encoding": accepted})
    assert "content-encoding" not in answer.headers
    assert (answer.content, answer.headers["vary"]) == (CONTENT, "Accept-Encoding")


async def test_small_answer_is_not_compressed(bare: BareClient) -> None:
    answer = await bare.get("/small", {"Accept-Encoding": "gzip"})
    assert answer.headers.keys().isdisjoint({"content-encoding", "vary"})
