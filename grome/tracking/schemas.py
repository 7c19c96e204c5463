"""Define the requests and responses about the position of a barber on the way to a house call."""

from datetime import datetime

from msgspec import UNSET, Struct, UnsetType

from grome.common.geo import LatLng


class PositionIn(LatLng, frozen=True, forbid_unknown_fields=True):
    """Reports the position of the barber."""


class PositionOut(Struct, frozen=True):
    """Describes the newest position of the barber, measured at the moment `at`.

    `distance_m` is the straight-line distance to the customer. `eta_min` is the remaining travel time in whole minutes,
    null if the customer is too far away for an estimate. Only the barber gets `late_suggestion_min`, if the barber will
    be at least ten minutes late: the number of `minutes` for `POST /v1/bookings/{id}/late`.
    """

    lat: float
    lng: float
    at: datetime
    distance_m: float
    eta_min: int | None
    arrived: bool
    late_suggestion_min: int | UnsetType = UNSET
