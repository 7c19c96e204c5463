"""Test that FCM and its local replacement return the same results for every failure."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from config.sections.messages import PushSettings
from config.settings import Settings
from grome.notifications.push import Failed, Push, Pusher, PushLog, open_pusher
from grome.notifications.push.local import FAILURES
from tests.conftest import AdjustableClock
from tests.notifications.push.conftest import PUSH


@pytest.fixture(params=["fcm", "log"])
async def pusher(
    request: pytest.FixtureRequest, push_settings: PushSettings, tmp_path: Path, clock: AdjustableClock
) -> AsyncIterator[Pusher]:
    settings = Settings(home=str(tmp_path), push=msgspec.structs.replace(push_settings, transport=request.param))
    opened = open_pusher(settings, clock)
    yield opened
    await opened.aclose()


async def test_failing_token_leaves_other_tokens(pusher: Pusher) -> None:
    tokens = ["device", *(f"{beginning}device" for beginning in FAILURES), "tablet", "device"]
    result = await pusher.send(tokens, PUSH)
    assert result.sent.keys() == {"device", "tablet"}
    assert result.gone == {
        "gone-device": "FCM answered 404 UNREGISTERED",
        "foreign-device": "FCM answered 403 SENDER_ID_MISMATCH",
        "broken-device": "FCM answered 400 INVALID_ARGUMENT",
    }
    assert result.failed == {
        "busy-device": Failed("FCM answered 429 QUOTA_EXCEEDED", 30),
        "down-device": Failed("FCM answered 503 UNAVAILABLE"),
    }


async def test_push_log_refuses_a_large_message(pusher: Pusher) -> None:
    large = Push(id="large", title="Title", body="x" * 5000)
    result = await pusher.send(["device"], large)
    assert result.failed == {"device": Failed("FCM answered 400 INVALID_ARGUMENT", final=True)}


async def test_push_log_accepts_any_other_token(pusher: Pusher) -> None:
    tokens = [f"device-{number}" for number in range(30)]
    result = await pusher.send(tokens, PUSH)
    assert sorted(result.sent) == sorted(tokens)
    assert len(set(result.sent.values())) == 30


async def test_push_log_drops_duplicates_under_the_same_name(tmp_path: Path, clock: AdjustableClock) -> None:
    settings = Settings(home=str(tmp_path))
    pusher = open_pusher(settings, clock)
    assert isinstance(pusher, PushLog)
    first = await pusher.send(["device", "tablet"], PUSH)
    other = msgspec.structs.replace(PUSH, id="another")
    await pusher.send(["device"], other)
    assert await open_pusher(settings, clock).send(["device", "tablet", "down-device"], PUSH) != first
    assert (await pusher.send(["device", "tablet"], PUSH)) == first
    lines = await pusher.read()
    assert [(line.id, line.token) for line in lines] == [
        (PUSH.id, "device"),
        (PUSH.id, "tablet"),
        ("another", "device"),
    ]
    assert [lines[0].name, lines[1].name] == list(first.sent.values())
    assert (lines[0].data, lines[0].title, lines[0].ttl_s) == (PUSH.data, PUSH.title, PUSH.ttl_s)
    await pusher.aclose()
