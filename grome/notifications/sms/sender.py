"""Define the protocol of SMS transports and the errors that they share."""

from typing import Protocol

from grome.infrastructure.jobs.errors import RetryLaterError, UndeliverableError

# Error codes of the SNS operation `Publish` and the common ones of AWS.
REFUSED_FOR_GOOD = frozenset({"InvalidParameter", "ParameterValueInvalid", "ValidationException", "OptedOut"})
THROTTLED = frozenset({"Throttled", "Throttling", "ThrottlingException", "ThrottledException", "RequestLimitExceeded"})
TOO_MANY_REQUESTS = 429
# SNS names no wait. Its quota counts by the second, and a longer wait frees the job's worker for other jobs.
THROTTLE_WAIT_S = 30.0


class SmsFailedError(Exception):
    """Raised if the provider refused the text for now and named no wait."""


class SmsSender(Protocol):
    async def send(self, phone: str, text: str, id: str) -> str:  # noqa: A002 -- the usual name
        """Send a text and return the provider's id of it.

        `phone` is in E.164: `+4915112345678`; `id` is the same in every try.

        Raises UndeliverableError if the number is invalid or has opted out, RetryLaterError if throttled, else
        SmsFailedError. No error contains the number, because errors are logged and stored.
        """

    async def aclose(self) -> None: ...


def sms_error(code: str, status: int, retry_after_s: float | None) -> Exception:
    """Return the exception for an error response of SNS."""
    reason = f"SNS answered {status} {code}"
    if code in REFUSED_FOR_GOOD:
        return UndeliverableError(reason)
    if code in THROTTLED or status == TOO_MANY_REQUESTS:
        return RetryLaterError(reason, THROTTLE_WAIT_S if retry_after_s is None else retry_after_s)
    return SmsFailedError(reason) if retry_after_s is None else RetryLaterError(reason, retry_after_s)
