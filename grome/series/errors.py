"""Every refusal that series give."""

from grome.common.errors import ApiError


class NothingBooked(ApiError):
    """Each visit's fault is the code of what refused it."""

    status, code, title = 409, "nothing_booked", "None of these visits can be booked"


class NotInSeries(ApiError):
    status, code, title = 409, "not_in_series", "The booking belongs to no series"
