"""Every refusal that quotes give."""

from grome.common.errors import ApiError


class QuoteExpired(ApiError):
    status, code, title = 410, "quote_expired", "The quote is too old; ask for another"
