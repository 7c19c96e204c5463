"""Define the errors of series."""

from grome.common.errors import ApiError


class NothingBooked(ApiError):
    """Names for each visit the code of its error."""

    status, code, title = 409, "nothing_booked", "None of these visits can be booked"


class NotInSeries(ApiError):
    status, code, title = 409, "not_in_series", "The booking belongs to no series"
