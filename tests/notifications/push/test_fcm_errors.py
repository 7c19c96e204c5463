"""Test the mapping of FCM's responses to an invalid token, a wait, or a refused message."""

from datetime import UTC, datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grome.infrastructure.jobs.errors import PermanentJobError, RetryLaterError
from grome.notifications.push import Failed, PushFailedError, PushResult
from grome.notifications.push.fcm_errors import parse_response
from grome.notifications.push.messages import Gone, Outcome, Sent
from tests.builders.http_server import Reply
from tests.notifications.push.google import fcm_error, with_retry_after

NOW = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)


def read(reply: Reply) -> Outcome:
    return parse_response(httpx.Response(reply.status, content=reply.body, headers=dict(reply.headers)), NOW)


@pytest.mark.parametrize(
    "reply",
    [
        fcm_error(404, "NOT_FOUND", "UNREGISTERED"),
        fcm_error(403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH"),
        fcm_error(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", violation="message.token"),
        fcm_error(400, "INVALID_ARGUMENT", violation="message.token"),
        fcm_error(
            400,
            "INVALID_ARGUMENT",
            "INVALID_ARGUMENT",
            message="The registration token is not a valid FCM registration token",
        ),
    ],
)
def test_fcm_codes_of_gone_tokens(reply: Reply) -> None:
    assert isinstance(read(reply), Gone)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(404, b"<html>"),
        fcm_error(404, "NOT_FOUND", message="Requested entity was not found."),
        fcm_error(403, "PERMISSION_DENIED"),
        fcm_error(401, "UNAUTHENTICATED"),
        Reply(302, b"", {"Location": "https://elsewhere.invalid"}),
        Reply(502, b"\xff\xfe"),
        fcm_error(500, "INTERNAL", "INTERNAL"),
    ],
)
def test_fcm_errors_without_token_cause_are_retried(reply: Reply) -> None:
    outcome = read(reply)
    assert isinstance(outcome, Failed)
    assert not outcome.final
    assert outcome.retry_after_s is None


@pytest.mark.parametrize(
    "reply",
    [
        fcm_error(400, "INVALID_ARGUMENT"),
        fcm_error(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT", violation="message.data[0].value"),
        fcm_error(400, "INVALID_ARGUMENT", violation="message.notification", message="registration token"),
    ],
)
def test_refused_message_keeps_the_token(reply: Reply) -> None:
    outcome = read(reply)
    assert isinstance(outcome, Failed)
    assert outcome.final


@pytest.mark.parametrize(
    ("status", "retry_after", "seconds"),
    [
        (429, "7", 7),
        (429, "Tue, 01 Dec 2026 08:00:42 GMT", 42),
        (429, "soon", 60),
        (503, "120", 120),
        (500, "Tue, 01 Dec 2026 07:00:00 GMT", 0),
        (403, "120", None),
    ],
)
def test_fcm_retry_after_is_read(status: int, retry_after: str, seconds: float | None) -> None:
    outcome = read(with_retry_after(fcm_error(status, "RESOURCE_EXHAUSTED"), retry_after))
    assert isinstance(outcome, Failed)
    assert outcome.retry_after_s == seconds


def test_fcm_429_without_retry_after_waits_a_minute() -> None:
    assert read(fcm_error(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED")) == Failed(
        "FCM answered 429 QUOTA_EXCEEDED", retry_after_s=60
    )


@given(st.integers(200, 599), st.binary() | st.sampled_from([b'{"error": 1}', b'{"error": {"details": [1]}}', b"[]"]))
def test_any_fcm_response_is_parsed_and_keeps_the_token(status: int, body: bytes) -> None:
    assert isinstance(read(Reply(status, body)), Failed)


def test_fcm_reasons_do_not_contain_the_token() -> None:
    reply = fcm_error(
        400, "INVALID_ARGUMENT", violation="message.token", message="Invalid value 'abc' at message.token"
    )
    assert read(reply) == Gone("FCM answered 400 INVALID_ARGUMENT")


AGAIN, WAIT, FINAL = Failed("again"), Failed("wait", 5), Failed("never", final=True)


@pytest.mark.parametrize(
    ("failed", "error", "text"),
    [
        ([AGAIN], PushFailedError, "again"),
        ([AGAIN, WAIT, Failed("wait", 9)], RetryLaterError, "again, wait"),
        ([FINAL], PermanentJobError, "never"),
        ([FINAL, AGAIN], PushFailedError, "again"),
        ([FINAL, WAIT], RetryLaterError, "wait"),
    ],
)
def test_raise_for_failed_selects_the_error(failed: list[Failed], error: type[Exception], text: str) -> None:
    result = PushResult.of({f"device-{number}": one for number, one in enumerate(failed)})
    with pytest.raises(error) as raised:
        result.raise_for_failed()
    assert str(raised.value) == text
    if isinstance(raised.value, RetryLaterError):
        assert raised.value.seconds == max(one.retry_after_s or 0 for one in failed)


def test_raise_for_failed_without_failures_returns() -> None:
    result = PushResult.of({"here": Sent("name"), "away": Gone("left")})
    result.raise_for_failed()
    assert result == PushResult({"here": "name"}, {"away": "left"}, {})
