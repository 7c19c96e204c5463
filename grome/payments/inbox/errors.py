"""The errors of the webhook."""

from grome.common.errors import ApiError


class NotFromStripe(ApiError):
    """The signature of the notification is missing, wrong or too old. Only Stripe calls this address."""

    status, code, title = 400, "not_from_stripe", "The notification was not signed by Stripe within the last minutes"
    remedy = "Operators check the webhook secret in the settings, and the clock of the server."
