"""A log line has no secrets, and text from outside cannot start a second line."""

import json
from collections.abc import Callable, Iterator
from typing import Any, Literal
from uuid import uuid4

import httpx
import msgspec
import pytest
from loguru import logger
from pymongo.errors import WriteError

from config.settings import Settings
from grome import installed_version
from grome.infrastructure.container import Container
from grome.infrastructure.logs import configure_logging, log_start
from tests.builders.people import PASSWORD, register

SECRET = "correct horse battery staple"
Format = Literal["json", "readable"]


@pytest.fixture(params=["json", "readable"])
def log_format(request: pytest.FixtureRequest) -> Format:
    chosen: Format = request.param
    return chosen


@pytest.fixture
def written(log_format: Format, settings: Settings, capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """Reads the log lines of this test."""
    configure_logging(msgspec.structs.replace(settings.log, format=log_format, level="INFO"))
    lines: list[str] = []

    def read() -> str:
        lines.append(capsys.readouterr().err)
        return "".join(lines)

    yield read
    with capsys.disabled():
        configure_logging(settings.log)


def _fail(password: str) -> None:
    document = {"password": password}
    raise RuntimeError(f"{len(document)} document cannot be stored")


def test_logged_exception_has_no_local_variables(written: Callable[[], str]) -> None:
    password = SECRET
    try:
        _fail(password)
    except RuntimeError:
        logger.exception("Failed")
    told = written()
    assert "1 document cannot be stored" in told
    assert "_fail" in told
    assert SECRET not in told


def test_logged_cause_of_an_exception_has_no_local_variables(written: Callable[[], str]) -> None:
    try:
        try:
            _fail(SECRET)
        except RuntimeError as error:
            raise LookupError("no such account") from error
    except LookupError as error:
        logger.opt(exception=error).error("Failed")
    told = written()
    assert told.index("1 document cannot be stored") < told.index("no such account")
    assert SECRET not in told


async def test_log_of_a_login_that_fails_by_a_bug_has_no_password_and_no_document(
    http: httpx.AsyncClient, container: Container, written: Callable[[], str]
) -> None:
    person = await register(http)
    users = container.database["users"]
    broken = {"$set": {"outbox": SECRET}}
    await users.update_one({"email": person.email}, broken, bypass_document_validation=True)
    login = {"email": person.email, "password": PASSWORD}
    answer = await http.post("/v1/auth/login", json=login)
    await users.delete_one({"email": person.email})
    assert answer.status_code == 500
    told = written()
    assert "/v1/auth/login" in told
    assert "Traceback" in told
    assert PASSWORD not in told
    assert person.email not in told
    assert SECRET not in told


async def test_logged_write_error_does_not_quote_the_document(container: Container, written: Callable[[], str]) -> None:
    users = container.database["users"]
    with pytest.raises(WriteError) as refused:
        await users.insert_one({"_id": uuid4(), "password_hash": SECRET})
    logger.opt(exception=refused.value).error("Cannot store: {!r}", refused.value)
    told = written()
    assert "Document failed validation" in told
    assert SECRET not in told


@pytest.mark.parametrize("forged", ["\n10:00:00.000 INFO    ", "\r\n", "\x1b[2J", "\u2028", "\x85"])
def test_logged_text_with_line_breaks_begins_no_new_line(
    forged: str, log_format: Format, written: Callable[[], str]
) -> None:
    logger.info("{} said {}", "A server", f"250{forged}forged")
    logger.opt(exception=RuntimeError(f"421{forged}forged")).error("Failed")
    lines = written().removesuffix("\n").split("\n")
    if log_format == "json":
        told: list[dict[str, Any]] = [json.loads(line) for line in lines]
        assert [one["message"] for one in told] == [f"A server said 250{forged}forged", "Failed"]
        return
    assert [line for line in lines if not line.startswith("  ") and "INFO" not in line[:25]] == [lines[1]]
    assert "A server said 250" in lines[0]
    assert lines[0].endswith("forged")
    assert "Failed" in lines[1]


async def test_logged_path_with_line_breaks_begins_no_new_line(
    http: httpx.AsyncClient, written: Callable[[], str]
) -> None:
    await http.get("/v1/services/%0Aforged%0D")
    lines = written().removesuffix("\n").split("\n")
    assert [line for line in lines if line.startswith("forged")] == []


@pytest.mark.parametrize("value", ["\udcff", 2**70], ids=["surrogate", "large integer"])
def test_logged_value_that_json_cannot_express_loses_no_line(
    log_format: Format, written: Callable[[], str], value: object
) -> None:
    logger.bind(value=value).info("Strange: {}", value)
    (line,) = written().splitlines()
    assert "Strange: " in (json.loads(line)["message"] if log_format == "json" else line)


def test_start_line_has_version_environment_and_process(written: Callable[[], str], log_format: Format) -> None:
    log_start("production", "job worker")
    line = written()
    assert f"Grome {installed_version()} starts as job worker in production" in line
    if log_format == "json":
        fields = json.loads(line)
        told = (fields["version"], fields["environment"], fields["process"])
        assert told == (installed_version(), "production", "job worker")
