"""Provide recording transports, recorded jobs, and a pipeline that runs them."""

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
    """Raised by a transport during a simulated outage."""


def kind_of(message_id: str) -> str:
    return message_id.split(".")[1]


class RecordingMailer:
    """Records mails. The next tries raise the `failures`, one each."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.failures: list[Exception] = []

    async def send(self, mail: Mail) -> None:
        if self.failures:
            raise self.failures.pop(0)
        self.mails.append(mail)

    def kinds_to(self, address: str) -> list[str]:
        """Return the kinds of the mails to an address."""
        return [kind_of(mail.message_id) for mail in self.mails if mail.to == address]


@dataclass
class RecordedPushResult:
    sent: Mapping[str, str]
    gone: Mapping[str, str]
    failed: Mapping[str, str]

    def raise_for_failed(self) -> None:
        if self.failed:
            raise OutageError


class RecordingPusher:
    """Records pushes. Tokens with the prefix `gone` are invalid; those with `down` fail while `is_down`."""

    def __init__(self) -> None:
        self.pushes: list[tuple[str, Push]] = []
        self.is_down = True

    async def send(self, tokens: Sequence[str], push: Push) -> RecordedPushResult:
        gone = {token: "UNREGISTERED" for token in tokens if token.startswith("gone")}
        failed = {token: "UNAVAILABLE" for token in tokens if token.startswith("down") and self.is_down}
        sent = {token: f"name-of-{push.id}" for token in tokens if token not in gone and token not in failed}
        self.pushes += [(token, push) for token in sent]
        return RecordedPushResult(sent, gone, failed)

    def kinds_on(self, token: str) -> list[str]:
        """Return the kinds of the pushes on a device."""
        return [kind_of(push.id) for reached, push in self.pushes if reached == token]


class RecordingSmsSender:
    def __init__(self) -> None:
        self.texts: list[tuple[str, str, str]] = []
        self.failures: list[Exception] = []

    async def send(self, phone: str, text: str, id: str) -> str:  # noqa: A002 -- the usual name
        if self.failures:
            raise self.failures.pop(0)
        self.texts.append((phone, text, id))
        return f"sns-{len(self.texts)}"

    def kinds_to(self, phone: str) -> list[str]:
        return [kind_of(message_id) for number, _, message_id in self.texts if number == phone]


class RecordedJobs:
    """Keeps jobs with payloads as they are stored in JSON. An added job stays."""

    def __init__(self) -> None:
        self.added: dict[str, NewJob] = {}

    async def add(self, *jobs: NewJob) -> None:
        for job in jobs:
            plain = msgspec.json.decode(msgspec.json.encode(job.payload))
            assert plain == job.payload
            self.added.setdefault(job.id, job)


@dataclass
class Pipeline:
    """Holds every step of a message and runs its jobs."""

    jobs: RecordedJobs
    planner: Planner
    dispatcher: Dispatcher
    sender: MessageSender
    mailbox: RecordingMailer
    phones: RecordingPusher
    texts: RecordingSmsSender
    done: set[str] = field(default_factory=set)

    async def handle(self, *events: Event) -> list[Exception]:
        """Handle events and run the resulting jobs; return the errors of the jobs."""
        await self.planner.handle(events)
        return await self.run_jobs()

    async def run_jobs(self, at: datetime | None = None) -> list[Exception]:
        """Try each pending job and the jobs that follow once; with `at`, also jobs that are due by then."""
        raised: list[Exception] = []
        tried: set[str] = set()
        while waiting := [job for job in self.jobs.added.values() if job.id not in self.done | tried]:
            for job in waiting:
                tried.add(job.id)
                if job.due_at is None or (at and job.due_at <= at):
                    try:
                        await self.run_job(job)
                        self.done.add(job.id)
                    except Exception as error:  # noqa: BLE001 -- the job runner catches all errors, too
                        raised.append(error)
        return raised

    async def run_job(self, job: NewJob) -> None:
        payload: Any = job.payload
        if job.kind == NOTIFY:
            await self.dispatcher.dispatch(msgspec.convert(payload, Notification))
        else:
            await self.sender.send(msgspec.convert(payload, ChannelDelivery))

    def waiting(self) -> dict[str, datetime | None]:
        """Return the channels of pending jobs with their due times."""
        return {job.id.split(":")[-1]: job.due_at for job in self.jobs.added.values() if job.id not in self.done}
