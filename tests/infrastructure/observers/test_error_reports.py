"""Bugs and dead jobs are reported to Sentry, once each and without personal data."""

from collections.abc import AsyncIterator, Iterator
from typing import Final, NoReturn

import msgspec
import pytest
from loguru import logger

from config.settings import Settings
from grome.accounts.service import AccountService
from grome.app import App
from grome.common.errors import Unavailable
from grome.common.ids import new_hex_id, new_id
from grome.infrastructure.container import Container
from grome.infrastructure.error_reports import MAX_A_MINUTE, TAGS, start_reports
from grome.infrastructure.jobs.errors import PermanentJobError
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.jobs.models import JobKind, NewJob, Queue, State
from grome.infrastructure.jobs.runner import RunningJob
from tests.builders.people import PASSWORD, Person, register
from tests.support.app import serve_app
from tests.support.eventually import until
from tests.support.http_client import http_client
from tests.support.jobs import run_worker, wait_for_state
from tests.support.processes import free_port
from tests.support.receivers import SentryReceiver, receiving_reports

SECRET: Final = "a secret that somebody sent"
DYING: Final = JobKind("dying", Queue.URGENT, timeout_s=5, delays_s=())
_FIELDS: Final = {
    "event_id",
    "timestamp",
    "platform",
    "level",
    "logger",
    "transaction",
    "tags",
    "fingerprint",
    "exception",
    "release",
    "environment",
}


@pytest.fixture
def receiver() -> Iterator[SentryReceiver]:
    with receiving_reports() as started:
        yield started


def _reporting_to(settings: Settings, dsn: str) -> Settings:
    return msgspec.structs.replace(settings, sentry=msgspec.structs.replace(settings.sentry, dsn=dsn))


@pytest.fixture
async def reporting(settings: Settings, database: None, receiver: SentryReceiver) -> AsyncIterator[App]:  # noqa: ARG001
    async with serve_app(_reporting_to(settings, receiver.dsn)) as app:
        yield app


async def _log_in(app: App, request_id: str) -> tuple[Person, int]:
    async with http_client(app.ctx.base_url) as http:
        user = await register(http)
        answer = await http.post(
            "/v1/auth/login",
            json={"email": user.email, "password": PASSWORD},
            headers={**user.auth, "X-Request-ID": request_id},
        )
    return user, answer.status_code


async def test_bug_in_a_handler_is_one_report_without_personal_data(
    reporting: App, receiver: SentryReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_self: AccountService, *given: object) -> NoReturn:
        try:
            int(f"{SECRET} {given}")
        except ValueError as error:
            raise RuntimeError(SECRET, given) from error

    monkeypatch.setattr(AccountService, "login", fail)
    user, status = await _log_in(reporting, "reported-1")
    assert status == 500
    await until(lambda: bool(receiver.events))
    (event,) = receiver.events
    assert event.keys() == _FIELDS
    assert event["tags"] == {"process": "API worker", "request_id": "reported-1", "route": "/v1/auth/login"}
    assert (event["transaction"], event["environment"]) == ("/v1/auth/login", "test")
    values = event["exception"]["values"]
    assert [(value["type"], value["stacktrace"]["frames"][-1]["function"]) for value in values] == [
        ("ValueError", "fail"),
        ("RuntimeError", "fail"),
    ]
    frames = [frame for value in values for frame in value["stacktrace"]["frames"]]
    assert all(frame.keys() == {"filename", "function", "lineno", "in_app"} for frame in frames)
    assert not any(frame["filename"].startswith("/") for frame in frames)
    sent = "".join(receiver.envelopes)
    private = (user.email, PASSWORD, user.access_token, str(user.id), SECRET)
    assert [value for value in private if value in sent] == []


async def test_unavailable_server_is_no_report(
    reporting: App, receiver: SentryReceiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_self: AccountService, *_given: object) -> NoReturn:
        raise Unavailable

    monkeypatch.setattr(AccountService, "login", fail)
    _, status = await _log_in(reporting, new_hex_id())
    logger.error("The next line")  # reports come in order
    assert status == 503
    await until(lambda: bool(receiver.events))
    assert len(receiver.events) == 1


async def test_dead_job_is_one_report_with_kind_and_without_account(reporting: App, receiver: SentryReceiver) -> None:
    container: Container = reporting.ctx.container
    account_id = new_id()
    job = NewJob(f"erase:{account_id}", DYING, {"user_id": str(account_id), "text": SECRET})

    async def die(_container: Container, running: RunningJob) -> None:
        raise PermanentJobError(f"{SECRET} {running.payload}")

    await container.get(JobQueue).add(job)
    async with run_worker(container, {DYING: die}):
        await wait_for_state(container, job, State.DEAD)
    await until(lambda: bool(receiver.events))
    (event,) = receiver.events
    assert event["transaction"] == event["tags"]["job_kind"] == "dying"
    assert event["exception"]["values"][0]["type"] == "PermanentJobError"
    assert SECRET not in str(event)
    assert str(account_id) not in str(event)
    assert event["tags"].keys() <= set(TAGS)


async def test_line_in_the_log_has_the_id_of_its_report(
    reporting: App,  # noqa: ARG001
    receiver: SentryReceiver,
) -> None:
    lines: list[str] = []
    sink = logger.add(lambda line: lines.append(line.record["extra"]["report_id"]), level="ERROR")  # type: ignore[attr-defined]
    logger.error("A line without an exception")
    logger.remove(sink)
    await until(lambda: bool(receiver.events))
    assert [event["event_id"] for event in receiver.events] == lines


def test_repeated_error_is_reported_ten_times_a_minute(settings: Settings, receiver: SentryReceiver) -> None:
    reports = start_reports(_reporting_to(settings, receiver.dsn))
    assert reports
    for _ in range(3 * MAX_A_MINUTE):
        logger.error("The same line")
    logger.error("Another line, of another function")
    reports.close()
    assert len(receiver.events) in range(MAX_A_MINUTE, 2 * MAX_A_MINUTE + 1)  # a minute may end meanwhile


def test_reports_are_lost_without_a_line_while_sentry_is_away(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    reports = start_reports(_reporting_to(settings, f"http://public@127.0.0.1:{free_port()}/1"))
    assert reports
    logger.error("Something failed")
    reports.close()
    assert len(capsys.readouterr().err.splitlines()) <= 1


def test_settings_without_a_dsn_report_nothing(settings: Settings) -> None:
    assert start_reports(settings) is None
