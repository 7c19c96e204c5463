"""Define push messages and their results for each device."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Protocol, Self

from msgspec import Meta, Struct

from grome.infrastructure.jobs.errors import PermanentJobError, RetryLaterError

MAX_TTL_S = 28 * 86_400


class Push(Struct, frozen=True, kw_only=True):
    """Holds a push message. `id` is the same in every try; a device shows only the last message of an id.

    `data` holds the deep link and further values for the app. The whole message has at most 4096 bytes. FCM keeps it
    for `ttl_s` seconds for an offline device, at most four weeks; 0 means now or never.
    """

    id: str
    title: str
    body: str
    data: dict[str, str] = {}
    ttl_s: Annotated[int, Meta(ge=0, le=MAX_TTL_S)] = 86_400


class Sent(Struct, frozen=True):
    """Marks a sent message; `name` is FCM's id of it."""

    name: str


class Gone(Struct, frozen=True):
    """Marks a permanently invalid token, which must be deleted."""

    reason: str


class Failed(Struct, frozen=True):
    """Marks a failure. `final` is true if the message itself is refused, so that retries are useless."""

    reason: str
    retry_after_s: float | None = None
    final: bool = False


Outcome = Sent | Gone | Failed


class PushFailedError(Exception):
    """Raised if some devices have not received the message, and no wait was named."""


class PushResult(Struct, frozen=True):
    """Holds each token in exactly one of `sent` (with FCM's id), `gone` (with the reason) and `failed`.

    To avoid duplicates, the caller first stores `sent` under the push's id and removes `gone` in one write, and only
    then calls `raise_for_failed`, which retries the job. Each retry sends to the tokens that are not stored as sent. A
    duplicate remains possible between FCM's acceptance and that write, for at most `settings.push.timeout_s`; a device
    that receives an id twice shows one message.
    """

    sent: dict[str, str]
    gone: dict[str, str]
    failed: dict[str, Failed]

    @classmethod
    def of(cls, outcomes: Mapping[str, Outcome]) -> Self:
        found = cls({}, {}, {})
        for token, outcome in outcomes.items():
            match outcome:
                case Sent(name):
                    found.sent[token] = name
                case Gone(reason):
                    found.gone[token] = reason
                case Failed():
                    found.failed[token] = outcome
        return found

    def raise_for_failed(self) -> None:
        """Raise for the job if tokens have failed.

        Raises RetryLaterError after the longest named wait, PushFailedError if none was named, and PermanentJobError if
        only final refusals are left. No error contains a token, because errors are logged and stored.
        """
        again = [failed for failed in self.failed.values() if not failed.final]
        reasons = ", ".join(sorted({failed.reason for failed in again or self.failed.values()}))
        waits = [failed.retry_after_s for failed in again if failed.retry_after_s is not None]
        if waits:
            raise RetryLaterError(reasons, max(waits))
        if again:
            raise PushFailedError(reasons)
        if self.failed:
            raise PermanentJobError(reasons)


class Pusher(Protocol):
    async def send(self, tokens: Sequence[str], push: Push) -> PushResult:
        """Send a push to tokens within `settings.push.timeout_s`, once to a token that is given twice.

        Never raises for failures of the provider, because the caller must store the tokens that were reached.
        """

    async def aclose(self) -> None: ...
