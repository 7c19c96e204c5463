"""Define the stored key of a person."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct, field


class StoredKey(Struct, frozen=True, kw_only=True):
    """Holds the key of a person, sealed by the secrets keys; `sealed` is None once the key was destroyed."""

    id: UUID = field(name="_id")
    sealed: bytes | None
    created_at: datetime
    destroyed_at: datetime | None = None
