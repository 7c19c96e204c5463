"""Digests of collections, which do not depend on the order of the documents."""

from hashlib import blake2b
from typing import Final

_BYTES: Final = 16
_MODULUS: Final = 1 << (8 * _BYTES)


class CollectionDigest:
    """Counts documents and sums up hashes of their bytes. Equal digests mean equal documents, accidents considered."""

    def __init__(self) -> None:
        self.count = 0
        self._sum = 0

    def add(self, document: bytes) -> None:
        self.count += 1
        self._sum = (self._sum + int.from_bytes(blake2b(document, digest_size=_BYTES).digest(), "big")) % _MODULUS

    def hex(self) -> str:
        return self._sum.to_bytes(_BYTES, "big").hex()
