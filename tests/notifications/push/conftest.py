"""Provide FcmPusher and a fake of Google's servers."""

from collections.abc import AsyncIterator

import msgspec
import pytest

from config.sections.messages import PushSettings
from grome.notifications.push import Push
from grome.notifications.push.fcm import FcmPusher
from tests.conftest import AdjustableClock
from tests.notifications.push.google import Google

IMPATIENCE_S = 3.0
PUSH = Push(
    id="0190:push:anna",
    title="Booking accepted",
    body="Tomorrow at 10:00",
    data={"link": "grome://bookings/0190"},
    ttl_s=3600,
)


@pytest.fixture
async def google(clock: AdjustableClock) -> AsyncIterator[Google]:
    other_side = Google(clock)
    await other_side.server.start()
    yield other_side
    await other_side.server.stop()


@pytest.fixture
def push_settings(google: Google) -> PushSettings:
    account = msgspec.json.encode(google.account).decode()
    return PushSettings(transport="fcm", service_account=account, url=google.server.url, timeout_s=20)


@pytest.fixture
async def fcm(push_settings: PushSettings, clock: AdjustableClock) -> AsyncIterator[FcmPusher]:
    pusher = FcmPusher(push_settings, clock)
    yield pusher
    await pusher.aclose()


@pytest.fixture
async def impatient(push_settings: PushSettings, google: Google, clock: AdjustableClock) -> AsyncIterator[FcmPusher]:
    """Provide a pusher with a timeout of IMPATIENCE_S that has its access token."""
    pusher = FcmPusher(msgspec.structs.replace(push_settings, timeout_s=IMPATIENCE_S), clock)
    await pusher.send(["first"], PUSH)
    google.accepted.clear()
    yield pusher
    await pusher.aclose()
