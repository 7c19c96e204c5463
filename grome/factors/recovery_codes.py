"""Make and recognise recovery codes: 128 random bits, of which only the SHA-256 is stored."""

import base64
import hashlib
import os
import re
from typing import Final

from grome.factors.models import RECOVERY_CODES

_BYTES: Final = 16
_GROUP: Final = 5
_IGNORED: Final = re.compile(r"[\s-]+")


def new_recovery_codes() -> list[str]:
    """Return ten codes in the form that people get: base32 in groups."""
    return [_written(os.urandom(_BYTES)) for _ in range(RECOVERY_CODES)]


def hash_recovery_code(code: str) -> bytes:
    """Return the hash of a code as a person types it. 128 bits need neither salt nor a slow hash."""
    return hashlib.sha256(_IGNORED.sub("", code).lower().encode()).digest()


def _written(raw: bytes) -> str:
    letters = base64.b32encode(raw).decode().rstrip("=").lower()
    return "-".join(letters[start : start + _GROUP] for start in range(0, len(letters), _GROUP))
