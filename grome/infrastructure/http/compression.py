"""gzip for clients that take it."""

import re
from typing import Final

try:
    from isal.isal_zlib import compress
except ImportError:  # no wheel for this processor
    from zlib import compress

_GZIP: Final = 31  # the largest window, and gzip's header and trailer around the data
_ZERO = re.compile(r"q=0(\.0{0,3})?")


def compressed(content: bytes) -> bytes:
    # Level 1: JSON shrinks to about a fifth at any level, and the higher ones of zlib cost several times the CPU.
    return compress(content, 1, wbits=_GZIP)


def accepts_gzip(header: str) -> bool:
    """RFC 9110, section 12.5.3: a coding with `q=0` is refused, and `*` stands for those that are not named."""
    weights: dict[str, str] = {}
    for item in header.lower().split(","):
        coding, _, weight = item.partition(";")
        weights[coding.strip()] = weight.replace(" ", "")
    weight = weights.get("gzip", weights.get("*", "q=0"))
    return not _ZERO.fullmatch(weight)
