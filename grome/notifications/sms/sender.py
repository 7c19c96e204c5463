"""What every way of sending text messages has in common: who is called, and how it fails."""

from typing import Protocol

from grome.infrastructure.jobs.errors import RetryLaterError, UndeliverableError

# Errors of SNS's `Publish`, and those that all of AWS has, as they stand in its answers.
REFUSED_FOR_GOOD = frozenset({"InvalidParameter", "ParameterValueInvalid", "ValidationException", "OptedOut"})
THROTTLED = frozenset({"Throttled", "Throttling", "ThrottlingException", "ThrottledException", "RequestLimitExceeded"})
TOO_MANY_REQUESTS = 429
# SNS does not say when. Its quota is counted by the second, and a job's slot is better used by others meanwhile.
THROTTLE_WAIT_S = 30.0


class SmsFailedError(Exception):
    """The text was not taken, and nobody said when to come again."""


class SmsSender(Protocol):
    async def send(self, phone: str, text: str, id: str) -> str:  # noqa: A002 -- the word for it everywhere
        """The provider's id of the message. `phone` is in E.164: `+4915112345678`; `id` is the same in every try.

        Raises UndeliverableError for a number that is invalid or has opted out, RetryLaterError when throttled, else
        SmsFailedError. None of them names the number: errors are logged and stored.
        """

    async def aclose(self) -> None: ...


def sms_error(code: str, status: int, retry_after_s: float | None) -> Exception:
    """What to raise for an error that SNS answers with."""
    reason = f"SNS answered {status} {code}"
    if code in REFUSED_FOR_GOOD:
        return UndeliverableError(reason)
    if code in THROTTLED or status == TOO_MANY_REQUESTS:
        return RetryLaterError(reason, THROTTLE_WAIT_S if retry_after_s is None else retry_after_s)
    return SmsFailedError(reason) if retry_after_s is None else RetryLaterError(reason, retry_after_s)
