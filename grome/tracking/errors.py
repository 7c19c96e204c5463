"""Define the errors of tracking."""

from grome.common.errors import ApiError


class NotOnTheWay(ApiError):
    """The barber has not set out, or has arrived."""

    status, code, title = 409, "not_on_the_way", "The barber is not on the way to this visit"
    remedy = "Wait for the live event that the barber is on the way, then ask again."
