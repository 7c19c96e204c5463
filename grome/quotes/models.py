"""What a visit would cost, promised for some minutes."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Struct, field

from grome.barbers.models import Terms
from grome.bookings.models import HouseCall
from grome.common.money import Amount
from grome.infrastructure.mongo.schema import stored_items
from grome.promos.models import Discount
from grome.scheduling.offers import ChosenService


class CancellingCost(Struct, frozen=True):
    """What the customer pays who cancels up to and with `until`, after the entries before; null for no end."""

    until: datetime | None
    fee: Amount


class Costs(Struct, frozen=True):
    """What the end of an accepted visit costs its customer, in minor units: cancelled, by time; and `no_show`.

    Until the barber has accepted, cancelling is free.
    """

    cancelling: Annotated[list[CancellingCost], stored_items(at_most=10)]
    no_show: Amount


class Quote(Struct, frozen=True, kw_only=True):
    """An offer to one customer, which holds no time. Its `id` becomes the booking's, so that it is used once.

    `services` are as the barber offered them. `discount` is what a use of `promo_code` takes off, which is claimed
    under the quote's id. `price` is what is left to pay, of which `deposit` is due at once.
    """

    id: UUID = field(name="_id")
    customer_id: UUID
    barber_id: UUID
    services: Annotated[list[ChosenService], stored_items(at_most=10)]
    scheduled_at: datetime
    ends_at: datetime
    house_call: HouseCall | None
    promo_code: str | None
    discount: Discount | None
    price: Amount
    deposit: Amount
    currency: str
    terms: Terms
    costs: Costs
    note: str | None
    created_at: datetime
    expires_at: datetime
