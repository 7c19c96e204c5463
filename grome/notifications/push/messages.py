"""A push message, and what became of it on each device."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Protocol, Self

from msgspec import Meta, Struct

from grome.infrastructure.jobs.errors import PermanentJobError, RetryLaterError

MAX_TTL_S = 28 * 86_400


class Push(Struct, frozen=True, kw_only=True):
    """`id` is the same in every try: it goes along in the data, and of several with one id a device shows the last.

    `data` holds the deep link and what else the app reads. All that is sent has at most 4096 bytes. `ttl_s` is how
    long FCM keeps the message for a device that is away, four weeks at most; 0 is now or never.
    """

    id: str
    title: str
    body: str
    data: dict[str, str] = {}
    ttl_s: Annotated[int, Meta(ge=0, le=MAX_TTL_S)] = 86_400


class Sent(Struct, frozen=True):
    """`name` is FCM's own for the message."""

    name: str


class Gone(Struct, frozen=True):
    """The token will never be good again: whoever keeps it, forgets it."""

    reason: str


class Failed(Struct, frozen=True):
    """`final`: the message itself is refused, and no further try can help."""

    reason: str
    retry_after_s: float | None = None
    final: bool = False


Outcome = Sent | Gone | Failed


class PushFailedError(Exception):
    """Some devices do not have the message yet, and nobody said when to come again."""


class PushResult(Struct, frozen=True):
    """Each token is a key of exactly one: `sent` with FCM's name for the message, `gone` with the reason, `failed`.

    How a message is kept from being sent twice: the caller stores `sent` under the push's id and removes `gone`, in one
    write, and only then calls `raise_for_failed`, so that its job is tried again; each try sends to the user's tokens
    less those that are stored as sent. What this leaves open is the time between FCM's acceptance and that write. It
    is under `settings.push.timeout_s`, and a device that gets the same id twice shows one message.
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
        """Raise the error of the failed devices, for the job to handle.

        Raises RetryLaterError with the longest delay that a device asked for, PushFailedError if a failed device asked
        for none, and PermanentJobError if only final refusals are left. No error contains a token: errors are logged
        and stored.
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
        """Never raises for what the other side does: once a token has its message, the caller must hear of it.

        Ends within `settings.push.timeout_s`. A token that is named twice is sent to once.
        """

    async def aclose(self) -> None: ...
