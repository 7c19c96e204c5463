"""Define the refusals of webhook requests and the failures of deliveries."""

from grome.common.errors import ApiError
from grome.infrastructure.transient_errors import RecipientError


class TooManyEndpoints(ApiError):
    """An account has at most ten endpoints."""

    status, code, title = 409, "too_many_endpoints", "There are ten endpoints already"
    remedy = "Remove an endpoint that is no longer used."


class EndpointDisabled(ApiError):
    """The endpoint failed for too long, or its owner has disabled it."""

    status, code, title = 409, "endpoint_disabled", "The endpoint is disabled; enable it first"
    remedy = "Mend the receiver, enable the endpoint, then repeat the request."


class TooManySends(ApiError):
    """Tests and replays have a budget for each hour."""

    status, code, title = 429, "too_many_sends", "There were too many tests or replays within the hour"
    remedy = "Wait for the seconds in `Retry-After`."


class UrlError(ValueError):
    """Raised for a URL that may not receive webhooks; the text continues a field's name or "the URL"."""


class AddressError(Exception):
    """Raised for a host with a forbidden address; the text is a sentence for the endpoint's owner."""


class UnreadableSecretError(Exception):
    """Raised for a secret that was sealed by another key than the server's present key."""


class DeliveryError(RecipientError):
    """Raised for a failed attempt that is retried."""
