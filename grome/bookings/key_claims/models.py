"""The stored claim on an Idempotency-Key."""

import hashlib
from datetime import datetime
from uuid import UUID

from msgspec import Struct, field


class KeyClaim(Struct, frozen=True):
    """Reserves a key of a customer for the request with the fingerprint, until `leased_until`."""

    id: bytes = field(name="_id")
    fingerprint: bytes
    leased_until: datetime


def claim_id(customer_id: UUID, key: str) -> bytes:
    """Return the SHA-256 of customer and key."""
    return hashlib.sha256(customer_id.bytes + key.encode()).digest()
