"""Define the error of quotes."""

from grome.common.errors import ApiError


class QuoteExpired(ApiError):
    status, code, title = 410, "quote_expired", "The quote has expired; request a new quote"
