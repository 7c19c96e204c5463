"""What webhooks refuse, and how sending one fails."""

from grome.common.errors import ApiError
from grome.infrastructure.transient_errors import RecipientError


class TooManyEndpoints(ApiError):
    status, code, title = 409, "too_many_endpoints", "There are ten endpoints already"


class EndpointDisabled(ApiError):
    status, code, title = 409, "endpoint_disabled", "The endpoint is disabled; enable it first"


class TooManySends(ApiError):
    status, code, title = 429, "too_many_sends", "There were too many tests or replays within the hour"


class UrlError(ValueError):
    """An address that nothing is sent to; the message goes on after a field's name or "the URL"."""


class AddressError(Exception):
    """A host that nothing is sent to, because of where it leads; the message is a sentence for the endpoint's owner."""


class UnreadableSecretError(Exception):
    """Sealed under another key than the server's of today."""


class DeliveryError(RecipientError):
    """An attempt that failed and is made again."""
