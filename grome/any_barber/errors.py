"""Define the error for bookings with any barber."""

from grome.common.errors import ApiError


class NobodyFree(ApiError):
    status, code, title = 409, "nobody_free", "No barber within reach is free at this time"
