"""The address of a client is told by known proxies only, to the ordinary route and to the fast path."""

from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest

from config.loading import load_settings
from config.sections.accounts import LimitSettings
from config.sections.servers import HttpSettings
from config.settings import Settings, SettingsError
from grome.infrastructure.http.proxies import TrustedProxies
from tests.builders.searches import NEARBY
from tests.support.app import serve_app
from tests.support.http_client import http_client

SEARCH = f"{NEARBY}?lat=-33.1&lng=-71.5"
PEER = "10.0.0.9"
NETWORKS = "10.0.0.0/8, 2001:db8::/32"


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "client"),
    [
        ("", PEER, "203.0.113.7", PEER),
        ("1", PEER, "203.0.113.7", "203.0.113.7"),
        ("1", PEER, "198.51.100.1, 203.0.113.7", "203.0.113.7"),
        ("2", PEER, "198.51.100.1, 203.0.113.7, 10.0.0.1", "203.0.113.7"),
        ("2", PEER, "203.0.113.7", "203.0.113.7"),
        ("1", PEER, "", PEER),
        ("1", PEER, "unknown", PEER),
        (NETWORKS, PEER, "203.0.113.7", "203.0.113.7"),
        (NETWORKS, PEER, "198.51.100.1, 203.0.113.7, 10.1.1.1", "203.0.113.7"),
        (NETWORKS, "198.51.100.1", "203.0.113.7", "198.51.100.1"),
        (NETWORKS, "198.51.100.1", "10.0.0.1", "198.51.100.1"),
        (NETWORKS, PEER, "203.0.113.7, nonsense, 10.1.1.1", "10.1.1.1"),
        (NETWORKS, "2001:db8::1", "[2001:470::5]:4711", "2001:470::5"),
        (NETWORKS, "::ffff:10.0.0.9", "203.0.113.7:80", "203.0.113.7"),
    ],
)
def test_client_is_the_last_address_that_no_trusted_proxy_has(
    trusted: str, peer: str, forwarded: str, client: str
) -> None:
    assert TrustedProxies(HttpSettings(trusted_proxies=trusted)).client_of(peer, forwarded) == client


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        ("for=203.0.113.7;proto=https", "203.0.113.7"),
        ('for=198.51.100.1, By=10.0.0.1;For="[2001:470::5]:4711"', "2001:470::5"),
        ("for=_hidden", PEER),
        ("proto=https", PEER),
    ],
)
def test_client_is_read_from_the_header_of_rfc_7239(forwarded: str, client: str) -> None:
    settings = HttpSettings(trusted_proxies="1", forwarded_header="forwarded")
    assert TrustedProxies(settings).client_of(PEER, forwarded) == client


@pytest.mark.parametrize("text", ["many", "10.0.0.0/33", "10.0.0.1 10.0.0.2"])
def test_settings_with_wrong_proxies_are_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="GROME_HTTP_TRUSTED_PROXIES"):
        load_settings({"GROME_ENV": "test", "GROME_HTTP_TRUSTED_PROXIES": text})


@pytest.fixture(scope="module", params=["", "127.0.0.1"], ids=["nobody trusted", "proxy trusted"])
async def limited(
    settings: Settings,
    database: None,  # noqa: ARG001
    request: pytest.FixtureRequest,
) -> AsyncIterator[tuple[httpx.AsyncClient, bool]]:
    """A client of a Grome that allows two searches a minute, and whether the client counts as a proxy."""
    changed = msgspec.structs.replace(
        settings,
        http=msgspec.structs.replace(settings.http, trusted_proxies=request.param),
        limits=LimitSettings(search=2, read=2),
        mongo=msgspec.structs.replace(settings.mongo, database=f"{settings.mongo.database}_{bool(request.param)}"),
    )
    async with serve_app(changed) as app, http_client(app.ctx.base_url) as http:
        yield http, bool(request.param)


@pytest.mark.parametrize("targets", [(SEARCH, f"{SEARCH}&sort=rating"), ("/v1/services",) * 2], ids=["search", "read"])
async def test_forged_address_of_an_unknown_peer_gets_no_quota_of_its_own(
    limited: tuple[httpx.AsyncClient, bool], targets: tuple[str, str]
) -> None:
    """By the fast path and the ordinary route of a search in turn, which share a quota."""
    http, is_trusted = limited
    statuses = []
    for number in range(4):
        answer = await http.get(targets[number % 2], headers={"X-Forwarded-For": f"203.0.113.{number}"})
        statuses.append(answer.status_code)
    assert statuses == ([200] * 4 if is_trusted else [200, 200, 429, 429])
