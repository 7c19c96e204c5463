"""Define the error of quotes."""

from grome.common.errors import ApiError


class QuoteExpired(ApiError):
    """A quote holds its price for a limited time."""

    status, code, title = 410, "quote_expired", "The quote has expired; request a new quote"
    remedy = "Request a new quote and show its price before booking."
