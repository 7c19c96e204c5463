"""Test that the log of sent messages, even at its finest level, has no token, number or key."""

import asyncio
import os
import sys

import msgspec
import pytest

from tests.conftest import AdjustableClock
from tests.notifications.push.google import PEM, Fault, Google
from tests.notifications.sms.sns import FakeSns

DEVICE, PHONE, SECRET = "device-token-of-anna", "+15005550006", "aws-secret-access-key"


@pytest.mark.parametrize("form", ["json", "readable"])
async def test_log_at_trace_level_has_no_token_number_or_key(form: str, clock: AdjustableClock) -> None:
    google, fake_sns = Google(clock), FakeSns()
    await google.server.start()
    await fake_sns.server.start()
    google.script[DEVICE].append(Fault.CUT)
    given = {
        "GROME_ENV": "test",
        "GROME_LOG_LEVEL": "DEBUG",
        "GROME_LOG_FORMAT": form,
        "GROME_PUSH_TRANSPORT": "fcm",
        "GROME_PUSH_URL": google.server.url,
        "GROME_PUSH_SERVICE_ACCOUNT": msgspec.json.encode(google.account).decode(),
        "GROME_SMS_TRANSPORT": "sns",
        "GROME_SMS_URL": fake_sns.server.url,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": SECRET,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.notifications.sending", DEVICE, PHONE, "id-1", "id-2"),
        env={**os.environ, **given},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    told, logged = [stream.decode() for stream in await process.communicate()]
    await google.server.stop()
    await fake_sns.server.stop()
    assert told.splitlines() == ["id-1 PushFailedError(FCM:_RemoteProtocolError) -", "id-2 - -"]
    assert (google.accepted_tokens(), len(fake_sns.forms)) == ([DEVICE], 2)
    key = PEM.splitlines()[1]
    assert not [word for word in (DEVICE, PHONE, PHONE[1:], SECRET, "access-1", key) if word in logged]
