"""Define the error of favourites."""

from grome.common.errors import ApiError


class TooManyFavourites(ApiError):
    """The number of favourites of a customer is limited."""

    status, code, title = 409, "too_many_favourites", "You have reached the greatest number of favourites"
    remedy = "Let the user remove a favourite first."
