"""Define the trip of a barber to a house call, as it is kept in Redis. No I/O."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from grome.common.geo import LatLng


class Trip(Struct, frozen=True, kw_only=True):
    """Holds the copied fields of a booking that a position needs, so that a position costs no query.

    `number` is the version of the booking at which the barber set out, and tells the trips of a booking apart. `speed`
    is the speed on the road, in metres a second, before the barber has moved.
    """

    number: int
    booking_id: UUID
    customer_id: UUID | None
    barber_id: UUID
    destination: LatLng
    scheduled_at: datetime
    arrived: bool
    speed: float


class Measured(Struct, frozen=True):
    """Holds a position and the moment at which it was reported."""

    point: LatLng
    at: datetime


class Lateness(Struct, frozen=True):
    """Holds the minutes by which a barber will be late, and the delay to suggest to the barber, if any."""

    minutes: int
    suggestion_min: int | None


class Progress(Struct, frozen=True, kw_only=True):
    """Holds the newest position of a trip and the estimate that follows from all its positions.

    `anchor` is an earlier position, from which the speed is measured next. `jump` is a later position that was too far
    away to be believed. `near` counts the latest positions in a row that are near the destination. `lateness` is the
    last delay for which a suggestion was looked for.
    """

    newest: Measured
    anchor: Measured
    speed: float
    distance_m: float
    eta_min: int | None
    near: int
    arrived: bool
    jump: Measured | None = None
    lateness: Lateness | None = None
