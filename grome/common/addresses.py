"""Group IP addresses into the units that limits count."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

_IPV6_HOST_PREFIX: Final = 64
_IPV4_NETWORK_PREFIX: Final = 24
# The same clients come again and again; to read an address takes several microseconds.
_CACHED_ADDRESSES: Final = 10_000


@lru_cache(maxsize=_CACHED_ADDRESSES)
def host_of(address: str) -> str:
    """Return an IPv4 address as it is, or the /64 of an IPv6 address.

    A host has all addresses of its /64.
    """
    parsed = parse_address(address)
    return _network_of(parsed, _IPV6_HOST_PREFIX) if isinstance(parsed, IPv6Address) else str(parsed or address)


@lru_cache(maxsize=_CACHED_ADDRESSES)
def network_of(address: str) -> str:
    """Return the /24 of an IPv4 address, and the /64 of an IPv6 address."""
    parsed = parse_address(address)
    return host_of(address) if not isinstance(parsed, IPv4Address) else _network_of(parsed, _IPV4_NETWORK_PREFIX)


def parse_address(address: str) -> IPv4Address | IPv6Address | None:
    """Return None for a text that is no address. An IPv4 address mapped into IPv6 is returned as IPv4."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return None
    return (parsed.ipv4_mapped or parsed) if isinstance(parsed, IPv6Address) else parsed


def _network_of(address: IPv4Address | IPv6Address, prefix: int) -> str:
    return str(ip_network((address, prefix), strict=False))
