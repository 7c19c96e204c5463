"""Define the requests and responses about the position of a barber on the way to a house call."""

from datetime import datetime

from msgspec import UNSET, Struct, UnsetType

from grome.common.geo import LatLng


class PositionIn(LatLng, frozen=True, forbid_unknown_fields=True):
    """Reports the position of the barber."""


class PositionOut(Struct, frozen=True):
    """Describes the newest position of the barber on the way to a house call."""

    lat: float
    """Degrees north."""
    lng: float
    """Degrees east."""
    at: datetime
    """Time at which the barber's device reported the position."""
    distance_m: float
    """Straight-line distance to the customer, in metres."""
    eta_min: int | None
    """Remaining travel time in whole minutes; 0 on arrival, null if too far away for an estimate."""
    arrived: bool
    """Whether the barber has reached the customer; it stays true until the trip ends."""
    late_suggestion_min: int | UnsetType = UNSET
    """For the barber alone: `minutes` to send to `POST /v1/bookings/{id}/late`; absent unless late by ten minutes."""
