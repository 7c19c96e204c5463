"""Allow requests to public addresses only, by checking URLs and each connection.

A name is resolved once, all of its addresses are checked, and the connection goes to one of these addresses. A name
server that changes its response in between (DNS rebinding) therefore has no effect.
"""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

import httpcore
import httpx

from grome.webhooks.errors import AddressError, UrlError

Address = IPv4Address | IPv6Address
Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
MAX_URL_CHARS: Final = 1_000

# IANA's registry of special-purpose IPv4 addresses. Python's `is_global` differs from release to release.
_REFUSED_4: Final = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # this network
            "10.0.0.0/8",  # private
            "100.64.0.0/10",  # shared by carriers' customers
            "127.0.0.0/8",  # loopback
            "168.63.129.16/32",  # Azure's metadata and DNS, which looks like any other address
            "169.254.0.0/16",  # link-local, metadata of most clouds
            "172.16.0.0/12",  # private
            "192.0.0.0/24",  # IETF protocols, Oracle's metadata
            "192.0.2.0/24",  # documentation
            "192.88.99.0/24",  # relays of 6to4
            "192.168.0.0/16",  # private
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/3",  # multicast, reserved, broadcast
        ),
    )
)
# All routed addresses lie in 2000::/3; these are its special-purpose networks.
_ROUTED_6: Final = IPv6Network("2000::/3")
_REFUSED_6: Final = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # IETF protocols, Teredo among them
            "2001:db8::/32",  # documentation
            "3fff::/20",  # documentation
        ),
    )
)
# An IPv4 address embedded in IPv6 is judged as that IPv4 address: (network, bits to the right of it).
_EMBEDDING: Final = (
    (IPv6Network("::ffff:0:0/96"), 0),  # mapped
    (IPv6Network("64:ff9b::/96"), 0),  # NAT64
    (IPv6Network("2002::/16"), 80),  # 6to4
)
# Spellings that a browser reads as an IPv4 address (WHATWG URL, "ends in a number").
_NUMBER: Final = re.compile(r"(?:\d+|0x[0-9a-f]*)")
_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME: Final = re.compile(rf"(?=.{{1,253}}$){_LABEL}(?:\.{_LABEL})*")
_FIRST_UNPRIVILEGED_PORT: Final = 1024
_MAX_ADDRESSES: Final = 3


def is_public(address: Address) -> bool:
    """Return whether an address is public."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _REFUSED_4)
    for network, right in _EMBEDDING:
        if address in network:
            return is_public(IPv4Address(int(address) >> right & 0xFFFF_FFFF))
    return address in _ROUTED_6 and not any(address in network for network in _REFUSED_6)


def parse_url(url: str, *, private: bool) -> httpx.URL:
    """Parse an endpoint's URL. Raises UrlError. `private` allows plain HTTP, any host and any port."""
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        raise UrlError("is not a URL") from None
    if parsed.scheme not in {"https", *(["http"] if private else [])}:
        raise UrlError("does not begin with https://")
    if parsed.userinfo:
        raise UrlError("has a user name or a password in it")
    if "#" in url:
        raise UrlError("has a fragment, which is never sent")
    if parsed.port is not None and not (private or parsed.port == 443 or parsed.port >= _FIRST_UNPRIVILEGED_PORT):  # noqa: PLR2004
        raise UrlError(f"has another port than 443 below {_FIRST_UNPRIVILEGED_PORT}")
    _check_host(parsed.raw_host.decode(), private=private)
    return parsed


def _check_host(host: str, *, private: bool) -> None:
    if address := _parse_literal(host):
        if not (private or is_public(address)):
            raise UrlError("leads into a private network")
        return
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        raise UrlError("has an address in an unusual spelling")
    if not _NAME.fullmatch(host):
        raise UrlError("has an invalid host name")
    if "." not in host and not private:
        raise UrlError("has a host name without a domain")


def _parse_literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


class SystemResolver:
    """Resolves names by the system on threads of its own, so that a slow name server delays webhooks only."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(max_workers=16, thread_name_prefix="webhook-names")

    async def __call__(self, host: str, port: int) -> list[str]:
        """Return the addresses of a host. Raises OSError, or UnicodeError for an invalid name."""
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )
        return list(dict.fromkeys(str(address[0]) for *_, address in found))

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Opens connections for httpcore. Raises AddressError for a host with an address that is not `allowed`.

    TLS still uses the name: httpcore takes it from the request, not from the connection.
    """

    def __init__(self, resolve: Resolver, allowed: Callable[[Address], bool]) -> None:
        self._resolve, self._allowed = resolve, allowed
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 -- httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        failure: Exception | None = None
        for address in (await self._resolve_allowed(host, port))[:_MAX_ADDRESSES]:
            try:
                return await self._network.connect_tcp(str(address), port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure or AddressError("The host name has no address.")

    async def _resolve_allowed(self, host: str, port: int) -> list[Address]:
        literal = _parse_literal(host)
        try:
            addresses = [literal] if literal else [ip_address(one) for one in await self._resolve(host, port)]
        except (OSError, UnicodeError):
            raise AddressError("The host name cannot be resolved.") from None
        except ValueError:  # e.g. an IPv6 address with a zone
            raise AddressError("The host has an address that cannot be used.") from None
        if not all(self._allowed(address) for address in addresses):
            raise AddressError("The host has an address in a private network.")
        return addresses
