"""Define the error for bookings with any barber."""

from grome.common.errors import ApiError


class NobodyFree(ApiError):
    """No barber within reach offers all services at this time, or others have just booked the last free times."""

    status, code, title = 409, "nobody_free", "No barber within reach is free at this time"
    remedy = "Ask for the free times again and let the customer choose another time."
