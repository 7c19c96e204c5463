"""The one maker of ids."""

import os
import time
from random import getrandbits
from uuid import UUID

_MASK = 0xF << 76 | 0x3 << 62
_VERSION_AND_VARIANT = 0x7 << 76 | 0x2 << 62


def new_id() -> UUID:
    """A UUID version 7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, then 74 random bits.

    Made by us and not by the database, so that a write whose answer was lost can be repeated under the same id. Ids
    made later sort later, which keeps the `_id` index growing at one end.
    """
    return UUID(int=_uuid7(int.from_bytes(os.urandom(10), "big")))


def new_hex_id() -> str:
    """The same as 32 hexadecimal digits, for what is told apart by it but never kept under it.

    Its random bits come from the process's own generator, which a fork seeds anew: asking the system for them would be
    a tenth of the time of a search from memory.
    """
    return f"{_uuid7(getrandbits(80)):032x}"


def _uuid7(random_bits: int) -> int:
    milliseconds = time.time_ns() // 1_000_000
    return (milliseconds << 80 | random_bits) & ~_MASK | _VERSION_AND_VARIANT
