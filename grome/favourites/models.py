"""Define the favourite barbers of a customer."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta, Struct, field

MAX_FAVOURITES: Final = 500


class Favourite(Struct, frozen=True, kw_only=True):
    """Links a customer to a barber, at most once. A unique index on `slot` bounds the favourites of a customer."""

    id: UUID = field(name="_id")
    customer_id: UUID
    barber_id: UUID
    slot: Annotated[int, Meta(ge=0, le=MAX_FAVOURITES - 1)]
    created_at: datetime
