"""gzip for clients that take it."""

import gzip
import re

_ZERO = re.compile(r"q=0(\.0{0,3})?")


def compressed(content: bytes) -> bytes:
    # Level 1: JSON shrinks to about a fifth at any level, and the higher ones cost several times the CPU.
    return gzip.compress(content, compresslevel=1, mtime=0)


def accepts_gzip(header: str) -> bool:
    """RFC 9110, section 12.5.3: a coding with `q=0` is refused, and `*` stands for those that are not named."""
    weights: dict[str, str] = {}
    for item in header.lower().split(","):
        coding, _, weight = item.partition(";")
        weights[coding.strip()] = weight.replace(" ", "")
    weight = weights.get("gzip", weights.get("*", "q=0"))
    return not _ZERO.fullmatch(weight)
