"""Define the error of favourites."""

from grome.common.errors import ApiError


class TooManyFavourites(ApiError):
    status, code, title = 409, "too_many_favourites", "You have reached the greatest number of favourites"
