"""Provide two fakes of SNS: moto with the whole protocol, and a scripted server with failures."""

from collections.abc import AsyncIterator, Iterator

import pytest
from moto.server import ThreadedMotoServer

from config.sections.messages import SmsSettings
from grome.common.clock import system_clock
from grome.notifications.sms.sns import SnsSender
from tests.notifications.sms.sns import FakeSns


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Set credentials that are not those of the person running the tests."""
    nothing = str(tmp_path_factory.getbasetemp() / "no-such-file")
    given = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing-secret-key"}
    for name, value in {**given, "AWS_CONFIG_FILE": nothing, "AWS_SHARED_CREDENTIALS_FILE": nothing}.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
async def fake_sns() -> AsyncIterator[FakeSns]:
    fake = FakeSns()
    await fake.server.start()
    yield fake
    await fake.server.stop()


@pytest.fixture
async def sns(fake_sns: FakeSns) -> AsyncIterator[SnsSender]:
    sender = SnsSender(SmsSettings(transport="sns", url=fake_sns.server.url, timeout_s=20), system_clock)
    yield sender
    await sender.aclose()
