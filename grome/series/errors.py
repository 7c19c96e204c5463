"""Define the errors of series."""

from grome.common.errors import ApiError


class NothingBooked(ApiError):
    """Every visit of the series was refused; `errors` names for each the code of its error."""

    status, code, title = 409, "nothing_booked", "None of these visits can be booked"
    remedy = "Choose another first visit or another interval."


class NotInSeries(ApiError):
    """The booking is a single visit, so that there are no visits after it to change."""

    status, code, title = 409, "not_in_series", "The booking belongs to no series"
    remedy = "Use the operation for single bookings."
