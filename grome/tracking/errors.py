"""Define the errors of tracking."""

from grome.common.errors import ApiError


class NotOnTheWay(ApiError):
    status, code, title = 409, "not_on_the_way", "The barber is not on the way to this visit"
