"""Define quotes: prices of visits that are fixed for some minutes."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Struct, field

from grome.barbers.models import BasisPoints, DepositReason, Terms
from grome.bookings.models import HouseCall
from grome.common.money import Amount
from grome.infrastructure.mongo.schema import stored_items
from grome.promos.models import Discount
from grome.scheduling.offers import ChosenService


class CancellingCost(Struct, frozen=True):
    """Sets the fee for cancelling up to a moment."""

    until: datetime | None
    """Latest moment at which this fee holds; null for any later moment."""
    fee: Amount
    """Part of the price that is kept, in minor units; 0 is free."""


class Costs(Struct, frozen=True):
    """Lists the customer's costs in minor units for cancelling an accepted visit, by time, and for a no-show.

    Cancelling is free until the barber has accepted.
    """

    cancelling: Annotated[list[CancellingCost], stored_items(at_most=10)]
    """Fees by time, earliest first: the first entry that is not over counts."""
    no_show: Amount
    """Fee if the customer does not come, in minor units."""


class Quote(Struct, frozen=True, kw_only=True):
    """Holds an offer to a customer, without claiming the time. Its `id` becomes the booking's: it is used once.

    `services` are the barber's offers at the time of the quote. The use of `promo_code` is claimed under the quote's
    id and gives `discount`. The remaining `price` includes `deposit`, which is due at once. The
    booking has the same `commission_bp`; quotes from before commissions have none.
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
    deposit_reasons: Annotated[list[DepositReason], stored_items(at_most=10)] = []
    currency: str
    terms: Terms
    commission_bp: BasisPoints | None = None
    costs: Costs
    note: str | None
    created_at: datetime
    expires_at: datetime
