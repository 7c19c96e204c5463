"""Test that SNS and its local replacement fail alike for every failing number."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from config.sections.messages import SmsSettings
from config.settings import Settings
from grome.infrastructure.jobs.errors import RetryLaterError, UndeliverableError
from grome.notifications.sms import SmsFailedError, SmsLog, SmsSender, open_sms
from tests.notifications.sms.sns import FakeSns

PHONE = "+15005550006"


@pytest.fixture(params=["sns", "log"])
async def sender(request: pytest.FixtureRequest, fake_sns: FakeSns, tmp_path: Path) -> AsyncIterator[SmsSender]:
    sms = msgspec.convert({"transport": request.param, "url": fake_sns.server.url, "timeout_s": 20}, SmsSettings)
    opened = open_sms(Settings(home=str(tmp_path), sms=sms))
    yield opened
    await opened.aclose()


@pytest.mark.parametrize(
    ("phone", "error", "text"),
    [
        ("+19990000001", UndeliverableError, "SNS answered 400 InvalidParameter"),
        ("+19990000002", UndeliverableError, "SNS answered 400 OptedOut"),
        ("+19990000003", RetryLaterError, "SNS answered 429 Throttled"),
        ("+19990000004", SmsFailedError, "SNS answered 500 InternalError"),
    ],
)
async def test_sms_log_fails_for_failure_numbers(
    sender: SmsSender, phone: str, error: type[Exception], text: str
) -> None:
    with pytest.raises(error) as raised:
        await sender.send(phone, "text", "id")
    assert str(raised.value) == text
    assert getattr(raised.value, "seconds", 30) == 30


async def test_sms_log_accepts_other_numbers(sender: SmsSender) -> None:
    first, second = await sender.send(PHONE, "one", "id-1"), await sender.send(PHONE, "two", "id-2")
    assert first
    assert first != second


@pytest.mark.parametrize(
    "phone", ["", "5005550006", "+0123456789", "+1 500 5550006", "+1234567890123456", "+15005550006\n"]
)
async def test_sms_log_refuses_an_invalid_number(tmp_path: Path, phone: str) -> None:
    with pytest.raises(UndeliverableError, match="SNS answered 400 InvalidParameter"):
        await open_sms(Settings(home=str(tmp_path))).send(phone, "text", "id")


async def test_sms_log_drops_duplicates(tmp_path: Path) -> None:
    settings = Settings(home=str(tmp_path))
    sender = open_sms(settings)
    assert isinstance(sender, SmsLog)
    ids = [await one.send(PHONE, "text", name) for one in (sender, open_sms(settings)) for name in ("a", "b")]
    assert ids[:2] == ids[2:]
    assert [(line.id, line.phone, line.text, line.name) for line in await sender.read()] == [
        ("a", PHONE, "text", ids[0]),
        ("b", PHONE, "text", ids[1]),
    ]
