"""The one maker of ids."""

import os
import time
from uuid import UUID


def new_id() -> UUID:
    """A UUID version 7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, then 74 random bits.

    Made by us and not by the database, so that a write whose answer was lost can be repeated under the same id. Ids
    made later sort later, which keeps the `_id` index growing at one end.
    """
    milliseconds = time.time_ns() // 1_000_000
    value = milliseconds << 80 | int.from_bytes(os.urandom(10), "big")
    version_and_variant = 0x7 << 76 | 0x2 << 62
    mask = 0xF << 76 | 0x3 << 62
    return UUID(int=value & ~mask | version_and_variant)
