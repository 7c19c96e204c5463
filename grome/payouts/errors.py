"""The errors of payouts."""

from grome.common.errors import ApiError


class CurrencyMismatch(ApiError):
    """The barber's prices are in another currency than the account at Stripe is paid in."""

    status, code, title = 409, "payout_currency", "Your prices are in another currency than your payouts would be"


class TooManyAccounts(ApiError):
    status, code, title = 409, "too_many_accounts", "Your payout account was replaced too often; ask the support"


class PayoutNotRetryable(ApiError):
    """The payout is sent, or there is nothing to pay any more."""

    status, code, title = 409, "payout_not_retryable", "This payout cannot be made again"
