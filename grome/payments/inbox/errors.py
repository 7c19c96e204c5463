"""The errors of the webhook."""

from grome.common.errors import ApiError


class NotFromStripe(ApiError):
    status, code, title = 400, "not_from_stripe", "The notification was not signed by Stripe within the last minutes"
