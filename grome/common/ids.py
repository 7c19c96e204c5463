"""The one maker of ids."""

import os
import time
from datetime import UTC, datetime
from uuid import UUID

_MASK = 0xF << 76 | 0x3 << 62
_VERSION_AND_VARIANT = 0x7 << 76 | 0x2 << 62


def new_id() -> UUID:
    """Create a UUID version 7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, then 74 random bits.

    Grome creates ids instead of the database, so that a write without an answer can be repeated under the same id.
    Later ids sort later, so the `_id` index grows at one end.
    """
    return UUID(int=_uuid7())


def new_hex_id() -> str:
    """The same as 32 hexadecimal digits, without the object around it."""
    return f"{_uuid7():032x}"


def created_at_of(made: UUID) -> datetime:
    """When `new_id` made it, to the millisecond."""
    return datetime.fromtimestamp((made.int >> 80) / 1000, UTC)


def _uuid7() -> int:
    milliseconds = time.time_ns() // 1_000_000
    return (milliseconds << 80 | int.from_bytes(os.urandom(10), "big")) & ~_MASK | _VERSION_AND_VARIANT
