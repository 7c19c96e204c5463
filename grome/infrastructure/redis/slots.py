"""The slots of a Redis Cluster: the keys of a command, their slot, and the primary that has it."""

from bisect import bisect_right
from collections.abc import Collection, Sequence
from typing import Any, Final, NamedTuple

from redis.crc import key_slot

# Commands that any node can answer.
_KEYLESS: Final = frozenset({"CLUSTER INFO", "INFO", "PING", "PUBLISH"})
_ALL_KEYS: Final = frozenset({"DEL", "EXISTS", "MGET", "TOUCH", "UNLINK"})
_UNKNOWN_HOSTS: Final = frozenset({"", "?"})


class Address(NamedTuple):
    """The host and the port of a node."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class SlotMap:
    """Says which primary has a slot."""

    def __init__(self, ranges: Collection[tuple[int, int, Address]]) -> None:
        ordered = sorted(ranges)
        self._firsts = [first for first, _, _ in ordered]
        self._ranges = ordered
        self.primaries = tuple(sorted({primary for _, _, primary in ordered}))

    @classmethod
    def parse(cls, reply: Sequence[Sequence[Any]], asked: Address) -> "SlotMap":
        """Read the reply of CLUSTER SLOTS. A node that names no host has the host that was asked."""
        return cls([(first, last, _address(node, asked)) for first, last, node, *_ in reply])

    def find_primary(self, slot: int) -> Address | None:
        """Return the primary of a slot, or None if no node has the slot."""
        at = bisect_right(self._firsts, slot) - 1
        if at < 0:
            return None
        _, last, primary = self._ranges[at]
        return primary if slot <= last else None


def slot_of(command: Sequence[Any]) -> int | None:
    """Return the slot of the command's keys, or None if any node can answer the command.

    Raises ValueError for keys of several slots. A command that is not named in this file has its one key as its first
    argument.
    """
    slots = {slot_of_key(key) for key in _keys_of(command)}
    if len(slots) > 1:
        raise ValueError(f"{command[0]} has keys of {len(slots)} slots of a Redis Cluster.")
    return next(iter(slots), None)


def slot_of_key(key: str | bytes) -> int:
    """Return the slot of a key: of its part in braces, if it has one."""
    return key_slot(key.encode() if isinstance(key, str) else key)


def _keys_of(command: Sequence[Any]) -> Sequence[Any]:
    name = command[0]
    if name in _KEYLESS:
        return ()
    if name in ("EVAL", "EVALSHA"):
        return command[3 : 3 + int(command[2])]
    if name == "XREAD":
        streams = next(at for at, part in enumerate(command) if part in (b"STREAMS", "STREAMS")) + 1
        return command[streams : streams + (len(command) - streams) // 2]
    return command[1:] if name in _ALL_KEYS else command[1:2]


def _address(node: Sequence[Any], asked: Address) -> Address:
    host = node[0].decode() if isinstance(node[0], bytes) else node[0]
    return Address(asked.host if host is None or host in _UNKNOWN_HOSTS else host, int(node[1]))
