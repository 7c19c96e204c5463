"""Keys of Valkey in families, with the memory that they take."""

import re
from collections import defaultdict
from typing import Final

from redis import Redis

from benchmarks.scale.measured import KeyFamily

_SAMPLED: Final = 200
# The first pattern that is found in a key names its family.
_FAMILIES: Final = (
    ("jobs of SAQ", re.compile(r":saq:\w+:job:(?!cron)")),
    ("queues of SAQ", re.compile(r":saq:")),
    ("versions in live rooms", re.compile(r":room:.*:versions:")),
    ("live rooms of bookings", re.compile(r":room:booking:")),
    ("live rooms of people", re.compile(r":room:user:")),
    ("live rooms of barbers", re.compile(r":room:shop:")),
    ("buses of live rooms", re.compile(r":bus$")),
)
_OTHERS: Final = "others"


def family_of(key: str) -> str:
    return next((name for name, pattern in _FAMILIES if pattern.search(key)), _OTHERS)


def key_families(valkey: Redis, visits: int) -> list[KeyFamily]:
    """Return all families, the largest in memory first; a size is the mean of some keys."""
    keys: dict[str, list[bytes]] = defaultdict(list)
    for key in valkey.scan_iter(count=1_000):
        keys[family_of(key.decode(errors="replace"))].append(key)
    found = [_family(valkey, name, members, visits) for name, members in keys.items()]
    return sorted(found, key=lambda family: -family.each_visit * family.bytes_each)


def _family(valkey: Redis, name: str, keys: list[bytes], visits: int) -> KeyFamily:
    some = keys[:_SAMPLED]
    sizes = [valkey.memory_usage(key) or 0 for key in some]
    left = [valkey.ttl(key) for key in some]
    kept_s = None if min(left) < 0 else max(left)
    return KeyFamily(name, round(len(keys) / visits, 2), round(sum(sizes) / len(sizes), 1), kept_s)
