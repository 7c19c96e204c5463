"""Barbers whom a customer keeps."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from msgspec import Meta, Struct, field

MAX_FAVOURITES: Final = 500


class Favourite(Struct, frozen=True, kw_only=True):
    """At most one for each customer and barber. `slot` numbers a customer's, so that a unique index can bound them."""

    id: UUID = field(name="_id")
    customer_id: UUID
    barber_id: UUID
    slot: Annotated[int, Meta(ge=0, le=MAX_FAVOURITES - 1)]
    created_at: datetime
