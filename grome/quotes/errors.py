"""Every refusal that quotes give."""

from grome.common.errors import Refusal


class QuoteExpired(Refusal):
    status, code, title = 410, "quote_expired", "The quote is too old; ask for another"
