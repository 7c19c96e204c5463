"""Define the services that a barber offers, and the choice of a customer with add-ons."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from grome.common.money import Amount
from grome.infrastructure.mongo.schema import stored_items
from grome.scheduling.models import OfferRules, Processing

DurationMin = Annotated[int, Meta(ge=5, le=480, multiple_of=5, description="Minutes, in steps of five.")]
AddOnMin = Annotated[int, Meta(ge=0, le=120, multiple_of=5, description="Minutes, in steps of five.")]


class AddOn(Struct, frozen=True):
    """Extends a service if the customer chooses it; the barber does the add-on after the service."""

    id: UUID
    """Id of the add-on; send it in `add_on_ids`."""
    name: Annotated[str, Meta(examples=["Beard trim"])]
    """The barber's name for the add-on."""
    price: Amount
    """On top of the price of the service, in minor units of the barber's currency."""
    duration_min: AddOnMin


class OfferedService(Struct, frozen=True):
    """Holds the price, duration and rules of a service of one barber; `name` is copied from the catalogue."""

    service_id: UUID
    name: str
    price: Amount
    duration_min: DurationMin
    rules: OfferRules = OfferRules()
    processing: Processing | None = None
    add_ons: Annotated[list[AddOn], stored_items(at_most=20)] = []


class ChosenService(Struct, frozen=True):
    """Holds an offered service with the add-ons that a customer has chosen."""

    offer: OfferedService
    add_ons: Annotated[list[AddOn], stored_items(at_most=20)] = []

    @property
    def total_price(self) -> int:
        """Sum the prices of the service and its add-ons."""
        return self.offer.price + sum(extra.price for extra in self.add_ons)

    @property
    def total_min(self) -> int:
        """Sum the durations of the service and its add-ons."""
        return self.offer.duration_min + sum(extra.duration_min for extra in self.add_ons)
