"""Keys that seal values in records which never change; destroying a key erases its values."""

import os
from contextlib import suppress
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES: Final = 12


class ValueKey:
    """Seals values by AES-GCM, each bound to the record that holds it."""

    def __init__(self, raw: bytes) -> None:
        self._cipher = AESGCM(raw)

    def seal(self, value: bytes, bound_to: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, value, bound_to)

    def open(self, sealed: bytes, bound_to: bytes) -> bytes | None:
        """Return the value; None if it was sealed by another key or for another record."""
        with suppress(InvalidTag, ValueError):  # ValueError: shorter than a nonce and a tag
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound_to)
        return None
