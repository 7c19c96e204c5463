"""The errors of payouts."""

from grome.common.errors import ApiError


class CurrencyMismatch(ApiError):
    """The barber's prices are in another currency than the account at Stripe is paid in."""

    status, code, title = 409, "payout_currency", "Your prices are in another currency than your payouts would be"
    remedy = "Change the currency of the prices, or set up payouts in the country of that currency."


class TooManyAccounts(ApiError):
    """A barber can replace the account for payouts a few times only."""

    status, code, title = 409, "too_many_accounts", "Your payout account was replaced too often; ask the support"
    remedy = "Ask the support to look at the account."


class PayoutNotRetryable(ApiError):
    """The payout is sent, or nothing is left to pay."""

    status, code, title = 409, "payout_not_retryable", "This payout cannot be made again"
    remedy = "Read the payout again. Only failed payouts can be repeated."
