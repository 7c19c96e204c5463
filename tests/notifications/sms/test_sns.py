"""Test the requests of SnsSender and the mapping of SNS's errors."""

import asyncio
import contextlib

import pytest
from moto.core import DEFAULT_ACCOUNT_ID
from moto.sns.models import sns_backends

from config.sections.messages import SmsSettings
from config.settings import Settings
from grome.common.clock import system_clock
from grome.infrastructure.jobs.errors import RetryLaterError, UndeliverableError
from grome.notifications.sms import SmsFailedError, open_sms
from grome.notifications.sms.sns import SnsSender
from tests.builders.http_server import Reply
from tests.notifications.sms.sns import FakeSns, refused
from tests.support.eventually import PATIENCE_S, overload

PHONE, IMPATIENCE_S = "+15005550006", 3.0


async def test_sns_publishes_through_one_client(moto: str) -> None:
    sender = open_sms(Settings(sms=SmsSettings(transport="sns", url=moto, region="eu-central-1")))
    ids = await asyncio.gather(*(sender.send(PHONE, f"Grüße {number}", f"id-{number}") for number in range(5)))
    taken = sns_backends[DEFAULT_ACCOUNT_ID]["eu-central-1"].sms_messages
    assert [taken[message_id] for message_id in ids] == [(PHONE, f"Grüße {number}") for number in range(5)]
    await sender.aclose()


async def test_sns_texts_are_transactional_on_a_kept_connection(sns: SnsSender, fake_sns: FakeSns) -> None:
    assert [await sns.send(PHONE, "text", "id") for _ in range(3)] == ["message-1", "message-2", "message-3"]
    form = fake_sns.forms[0]
    assert (form["Action"], form["PhoneNumber"], form["Message"]) == ("Publish", PHONE, "text")
    assert form["MessageAttributes.entry.1.Name"] == "AWS.SNS.SMS.SMSType"
    assert form["MessageAttributes.entry.1.Value.StringValue"] == "Transactional"
    assert fake_sns.server.connections == 1


@pytest.mark.parametrize(
    ("told", "error", "text"),
    [
        (
            refused("InvalidParameter", 400, f"{PHONE} is not valid"),
            UndeliverableError,
            "SNS answered 400 InvalidParameter",
        ),
        (refused("OptedOut", 400), UndeliverableError, "SNS answered 400 OptedOut"),
        (refused("AuthorizationError", 403), SmsFailedError, "SNS answered 403 AuthorizationError"),
        (refused("InternalError", 500), SmsFailedError, "SNS answered 500 InternalError"),
        (refused("ServiceUnavailable", 503, "", "9"), RetryLaterError, "SNS answered 503 ServiceUnavailable"),
        (refused("Throttled", 429), RetryLaterError, "SNS answered 429 Throttled"),
        (refused("Throttling", 400), RetryLaterError, "SNS answered 400 Throttling"),
        (Reply(502, b"<html>not SNS"), SmsFailedError, "SNS answered 502"),
        (Reply(200, b"not SNS either"), SmsFailedError, "SNS: ResponseParserError"),
    ],
    ids=str,
)
async def test_sns_refusals_are_mapped_without_the_number_or_retries(
    sns: SnsSender, fake_sns: FakeSns, told: Reply, error: type[Exception], text: str
) -> None:
    fake_sns.script.append(told)
    with pytest.raises(error) as raised:
        await sns.send(PHONE, "text", "id")
    assert str(raised.value).startswith(text)
    assert PHONE not in str(raised.value)
    assert raised.value.__suppress_context__
    assert raised.value.__cause__ is None
    assert len(fake_sns.forms) == 1
    assert await sns.send(PHONE, "text", "id") == "message-2"


@pytest.mark.parametrize(("retry_after", "seconds"), [("9", 9), ("", 30), ("soon", 30)])
async def test_sns_throttling_raises_retry_later(
    sns: SnsSender, fake_sns: FakeSns, retry_after: str, seconds: float
) -> None:
    fake_sns.script.append(refused("Throttled", 429, "Rate exceeded", retry_after))
    with pytest.raises(RetryLaterError) as later:
        await sns.send(PHONE, "text", "id")
    assert later.value.seconds == seconds


async def test_sns_that_hangs_times_out(fake_sns: FakeSns) -> None:
    sender = SnsSender(SmsSettings(transport="sns", url=fake_sns.server.url, timeout_s=IMPATIENCE_S), system_clock)
    await sender.send(PHONE, "text", "before")
    fake_sns.script.append(None)
    began = asyncio.get_running_loop().time()
    with pytest.raises(SmsFailedError, match="Timeout"):
        await sender.send(PHONE, "text", "id")
    assert asyncio.get_running_loop().time() - began < 2 * IMPATIENCE_S * overload()
    assert len(fake_sns.forms) == 2
    assert await sender.send(PHONE, "text", "id") == "message-3"
    await sender.aclose()


async def test_sns_endless_response_times_out() -> None:
    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.05)

    server = await asyncio.start_server(drip, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    sender = SnsSender(SmsSettings(transport="sns", url=url, timeout_s=IMPATIENCE_S), system_clock)
    with pytest.raises(SmsFailedError, match="SNS: TimeoutError"):
        await asyncio.wait_for(sender.send(PHONE, "text", "id"), PATIENCE_S)
    await sender.aclose()
    server.close()


async def test_sns_recovers_after_an_outage(sns: SnsSender, fake_sns: FakeSns) -> None:
    await fake_sns.server.stop()
    with pytest.raises(SmsFailedError, match="SNS: EndpointConnectionError"):
        await sns.send(PHONE, "text", "id")
    await fake_sns.server.start()
    assert await sns.send(PHONE, "text", "id") == "message-1"


async def test_sns_without_credentials_fails(fake_sns: FakeSns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    sender = SnsSender(SmsSettings(transport="sns", url=fake_sns.server.url), system_clock)
    with pytest.raises(SmsFailedError, match="SNS: NoCredentialsError"):
        await sender.send(PHONE, "text", "id")
    await sender.aclose()
    assert fake_sns.forms == []


async def test_sns_close_without_use_succeeds() -> None:
    sender = open_sms(Settings(sms=SmsSettings(transport="sns")))
    assert isinstance(sender, SnsSender)
    await sender.aclose()
