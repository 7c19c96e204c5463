"""What messages need from elsewhere: somebody who does jobs, texts, and the three ways out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from msgspec import Struct

from grome.jobs.models import NewJob
from grome.notifications.models import Facts, Language, MessageKind, Rendered


class Jobs(Protocol):
    async def add(self, *jobs: NewJob) -> None:
        """An id that is there is left as it is."""


class RunningJob(Protocol):
    @property
    def payload(self) -> dict[str, Any]: ...


class Render(Protocol):
    def __call__(
        self, kind: MessageKind, facts: Facts, language: Language, timezone: str, unsubscribe: str | None = None
    ) -> Rendered: ...


class Mail(Struct, frozen=True, kw_only=True):
    """`unsubscribe` is the address for one click (RFC 8058), None where there is nothing to unsubscribe from.

    All of it is the same in every try.
    """

    message_id: str
    to: str
    language: Language
    rendered: Rendered
    at: datetime
    unsubscribe: str | None = None


class Mailer(Protocol):
    async def send(self, mail: Mail) -> None:
        """Raises GiveUpError where the address is refused for good, LaterError or another error for now."""


class Push(Struct, frozen=True, kw_only=True):
    """`ttl_s` is how long the message is kept for a device that is away."""

    id: str
    title: str
    body: str
    data: dict[str, str] = {}
    ttl_s: int = 86_400


class PushResult(Protocol):
    """Each token is a key of exactly one. Whoever keeps a `gone` token forgets it."""

    @property
    def sent(self) -> Mapping[str, str]: ...
    @property
    def gone(self) -> Mapping[str, str]: ...
    @property
    def failed(self) -> Mapping[str, Any]: ...
    def raise_for_failed(self) -> None: ...


class Pusher(Protocol):
    async def send(self, tokens: Sequence[str], push: Push) -> PushResult:
        """Never raises for what the other side does."""


class SmsSender(Protocol):
    async def send(self, phone: str, text: str, id: str) -> str:  # noqa: A002 -- the word for it everywhere
        """The provider's id. Raises as `Mailer.send` does."""


@dataclass(frozen=True, slots=True)
class Transports:
    render: Render
    mailer: Mailer
    pusher: Pusher
    sms: SmsSender
