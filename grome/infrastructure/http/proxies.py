"""Find the address of a client behind proxies. Only a proxy that the settings name is believed."""

import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final

from config.sections.servers import HttpSettings
from grome.common.addresses import parse_address

_CACHED_CHAINS: Final = 1_000
# Some twenty entries. The far end of a longer chain is the client's own invention.
_MAX_CHAIN_CHARS: Final = 1_000
# RFC 7239, section 6: an address, an IPv6 address in brackets, or an obscured name; a port may follow.
_NODE: Final = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::\d+)?|(\d+\.\d+\.\d+\.\d+)(?::\d+)?|([0-9A-Fa-f:.]+)")
_FOR: Final = re.compile(r"(?:^|;)\s*for\s*=\s*\"?([^\";]*)", re.IGNORECASE)


class TrustedProxies:
    """Reads the header in which proxies note the address that they were called from, nearest last.

    With a number, so many proxies stand in front of every request. With addresses, entries count as far as proxies of
    these addresses have written them.
    """

    def __init__(self, settings: HttpSettings) -> None:
        self.header = settings.forwarded_header
        named = [item.strip() for item in settings.trusted_proxies.split(",") if item.strip()]
        is_number = len(named) == 1 and named[0].isdecimal()
        self._count = int(named[0]) if is_number else 0
        networks = [] if is_number else [ip_network(item, strict=False) for item in named]
        self._networks: Sequence[IPv4Network | IPv6Network] = networks
        self._cached_client_of = lru_cache(maxsize=_CACHED_CHAINS)(self._client_of)

    @property
    def exist(self) -> bool:
        return bool(self._count or self._networks)

    def client_of(self, peer: str, forwarded: str) -> str:
        """Return the client's address. `peer` has opened the connection; `forwarded` is the header, or empty."""
        return self._cached_client_of(peer, forwarded[-_MAX_CHAIN_CHARS:])

    def _client_of(self, peer: str, forwarded: str) -> str:
        chain = [self._entry(part) for part in forwarded.split(",")] if forwarded else []
        if self._count:
            entry = chain[-self._count :][0] if chain else None
            return entry or peer
        address = peer
        for entry in reversed(chain):
            if entry is None or not self._is_trusted(address):
                break
            address = entry
        return address

    def _entry(self, part: str) -> str | None:
        """Return the address of an entry. Returns None for an entry without one."""
        if self.header == "forwarded":
            named = _FOR.search(part)
            part = named[1] if named else ""
        node = _NODE.fullmatch(part.strip())
        address = parse_address(next(filter(None, node.groups()))) if node else None
        return str(address) if address else None

    def _is_trusted(self, address: str) -> bool:
        parsed = parse_address(address)
        return parsed is not None and any(parsed in network for network in self._networks)
