"""Entity tags: forms of If-None-Match, and a tag for each coding."""

from collections.abc import AsyncIterator
from itertools import combinations, product

import pytest
from sanic import HTTPResponse, Request

from grome.infrastructure.http.caching import REVALIDATED, entity_tag
from grome.infrastructure.http.responses import JSON, body
from tests.support.bare_app import BareClient, bare_client

CONTENT = b'["content"]' * 400
TAG = entity_tag(CONTENT)


async def kept(request: Request) -> HTTPResponse:
    return body(request, CONTENT, 200, JSON, REVALIDATED)


@pytest.fixture
async def bare(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[BareClient]:
    async with bare_client(monkeypatch, {"/": kept}, GZIP_MIN_BYTES=1_000) as client:
        yield client


def plain(*known: str) -> list[tuple[bytes, bytes]]:
    return [(b"Accept-Encoding", b"identity"), *((b"If-None-Match", each.encode("latin-1")) for each in known)]


@pytest.mark.parametrize("known", ["{}", "W/{}", '"other", {}', '{}, "other"', 'W/"a,b" ,W/{},"c"', "*"], ids=str)
async def test_if_none_match_in_any_matching_form_gets_304(bare: BareClient, known: str) -> None:
    answer = await bare.get("/", plain(known.format(TAG)))
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", TAG)


async def test_several_if_none_match_headers_are_read_as_one_list(bare: BareClient) -> None:
    assert (await bare.get("/", plain('"a"', TAG))).status_code == 304


@pytest.mark.parametrize("known", ["", '""', '"a"', "a", "W/", '"*"', "{bare}", '"{bare}x"', '"x{bare}"', "é"])
async def test_if_none_match_without_the_tag_gets_the_whole_response(bare: BareClient, known: str) -> None:
    answer = await bare.get("/", plain(known.format(bare=TAG.strip('"'))))
    assert (answer.status_code, answer.content) == (200, CONTENT)


async def test_each_content_coding_has_its_own_entity_tag(bare: BareClient) -> None:
    """A tag is strong: it stands for bytes, and those differ."""
    tags = {coding: entity_tag(CONTENT, "gzip" if coding == "gzip" else "") for coding in ("gzip", "identity")}
    for (accepted, own_tag), known in product(tags.items(), tags.values()):
        again = await bare.get("/", {"Accept-Encoding": accepted, "If-None-Match": known})
        assert again.status_code == (304 if known == own_tag else 200)
        assert (again.headers["vary"], again.headers["etag"]) == ("Accept-Encoding", own_tag)


def test_entity_tags_of_different_bodies_differ() -> None:
    tags = [entity_tag(content, coding) for content in (b"", b"a", b"b" * 5_000) for coding in ("", "gzip")]
    assert all(one != other for one, other in combinations(tags, 2))
    assert all(tag.startswith('"') and tag.endswith('"') and tag.isascii() and " " not in tag for tag in tags)
