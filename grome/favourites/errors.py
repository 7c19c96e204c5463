"""Every refusal that favourites give."""

from grome.common.errors import ApiError


class TooManyFavourites(ApiError):
    status, code, title = 409, "too_many_favourites", "There are as many favourites as one person can have"
