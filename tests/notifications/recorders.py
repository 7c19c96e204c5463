"""Somebody who does jobs, and the three ways out, as they are for as long as a test runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from grome.infrastructure.jobs.models import NewJob
from grome.infrastructure.outbox.models import Event
from grome.notifications.dispatcher import Dispatcher
from grome.notifications.email.message import Mail
from grome.notifications.models import ChannelDelivery, Notification
from grome.notifications.planner import NOTIFY, Planner
from grome.notifications.push import Push
from grome.notifications.sender import MessageSender


class OutageError(Exception):
    """A way out that is closed for now."""


def kind_of(message_id: str) -> str:
    return message_id.split(".")[1]


class Mailbox:
    """`failures` are raised one after the other, by the tries to come."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.failures: list[Exception] = []

    async def send(self, mail: Mail) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.mails.append(mail)

    def to(self, address: str) -> list[str]:
        """The kinds of the mails that somebody has got."""
        return [kind_of(mail.message_id) for mail in self.mails if mail.to == address]


@dataclass
class Pushed:
    sent: Mapping[str, str]
    gone: Mapping[str, str]
    failed: Mapping[str, str]

    def raise_for_failed(self) -> None:
        if self.failed:
            raise OutageError


class Phones:
    """Tokens that begin with `gone` are gone; those with `down` fail while `is_down`."""

    def __init__(self) -> None:
        self.pushes: list[tuple[str, Push]] = []
        self.is_down = True

    async def send(self, tokens: Sequence[str], push: Push) -> Pushed:
        gone = {token: "UNREGISTERED" for token in tokens if token.startswith("gone")}
        failed = {token: "UNAVAILABLE" for token in tokens if token.startswith("down") and self.is_down}
        sent = {token: f"name-of-{push.id}" for token in tokens if token not in gone and token not in failed}
        self.pushes += [(token, push) for token in sent]
        return Pushed(sent, gone, failed)

    def on(self, token: str) -> list[str]:
        """The kinds of the pushes on a device."""
        return [kind_of(push.id) for reached, push in self.pushes if reached == token]


class Texts:
    def __init__(self) -> None:
        self.texts: list[tuple[str, str, str]] = []
        self.failures: list[Exception] = []

    async def send(self, phone: str, text: str, id: str) -> str:  # noqa: A002 -- the word for it everywhere
        if self.failures:
            raise self.failures.pop(0)
        self.texts.append((phone, text, id))
        return f"sns-{len(self.texts)}"

    def to(self, phone: str) -> list[str]:
        return [kind_of(message_id) for number, _, message_id in self.texts if number == phone]


class RecordedJobs:
    """Keeps payloads as the JSON that would be stored. A job that was added stays added."""

    def __init__(self) -> None:
        self.added: dict[str, NewJob] = {}

    async def add(self, *jobs: NewJob) -> None:
        for job in jobs:
            plain = msgspec.json.decode(msgspec.json.encode(job.payload))
            assert plain == job.payload
            self.added.setdefault(job.id, job)


@dataclass
class Desk:
    """All that a message passes through, and a worker who does each job until it is done."""

    jobs: RecordedJobs
    planner: Planner
    dispatching: Dispatcher
    sending: MessageSender
    mailbox: Mailbox
    phones: Phones
    texts: Texts
    done: set[str] = field(default_factory=set)

    async def hear(self, *events: Event) -> list[Exception]:
        """Of events, and do what follows from them; what the jobs have raised."""
        await self.planner.handle(events)
        return await self.work()

    async def work(self, at: datetime | None = None) -> list[Exception]:
        """One try of each job that is not done, and of those that follow; with `at`, also of those due by then."""
        raised: list[Exception] = []
        tried: set[str] = set()
        while waiting := [job for job in self.jobs.added.values() if job.id not in self.done | tried]:
            for job in waiting:
                tried.add(job.id)
                if job.due_at is None or (at and job.due_at <= at):
                    try:
                        await self.run(job)
                        self.done.add(job.id)
                    except Exception as error:  # noqa: BLE001 -- as whoever runs jobs does
                        raised.append(error)
        return raised

    async def run(self, job: NewJob) -> None:
        payload: Any = job.payload
        if job.kind == NOTIFY:
            await self.dispatching.dispatch(msgspec.convert(payload, Notification))
        else:
            await self.sending.send(msgspec.convert(payload, ChannelDelivery))

    def waiting(self) -> dict[str, datetime | None]:
        """Channels of the jobs that are not done, with when they are due."""
        return {job.id.split(":")[-1]: job.due_at for job in self.jobs.added.values() if job.id not in self.done}
