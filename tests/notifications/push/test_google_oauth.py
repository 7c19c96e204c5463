"""Test access tokens: errors of the token server, and texts without secrets."""

import asyncio

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from config.sections.messages import PushSettings
from grome.common.clock import system_clock
from grome.notifications.push.fcm import FcmPusher
from tests.builders.http_server import Reply
from tests.conftest import AdjustableClock
from tests.notifications.push.conftest import IMPATIENCE_S, PUSH
from tests.notifications.push.google import Fault, Google
from tests.support.eventually import overload, until

DEVICES = [f"device-{number}" for number in range(5)]


def _pem(key: Ed25519PrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize(
    ("told", "reason", "retry_after_s"),
    [
        (Reply(503, b"", {"Retry-After": "20"}), "Google's token server answered 503", 20),
        (Reply(500, b"<html>"), "Google's token server answered 500", None),
        (Reply(429, b"{}", {"Retry-After": "soon"}), "Google's token server answered 429", None),
        (
            Reply(400, b'{"error": "invalid_grant", "error_description": "Account not found"}'),
            "Google's token server answered 400 invalid_grant",
            None,
        ),
        (Reply(200, b"<html>"), "Google's token server: DecodeError", None),
        (Reply(200, b'{"access_token": 1}'), "Google's token server: ValidationError", None),
        (Fault.CUT, "Google's token server: RemoteProtocolError", None),
    ],
    ids=str,
)
async def test_token_server_error_is_raised(
    fcm: FcmPusher, google: Google, told: Reply | Fault, reason: str, retry_after_s: float | None
) -> None:
    """All waiting callers get the error, no message is sent, and the next call makes a new request."""
    google.tokens_script.append(told)
    result = await fcm.send(DEVICES, PUSH)
    assert {(failed.reason, failed.retry_after_s) for failed in result.failed.values()} == {(reason, retry_after_s)}
    assert (len(result.failed), google.token_requests, google.posts) == (5, 1, 0)
    assert len((await fcm.send(DEVICES, PUSH)).sent) == 5
    assert google.token_requests == 2


async def test_token_server_that_hangs_times_out(impatient: FcmPusher, google: Google) -> None:
    google.good_tokens.clear()
    google.tokens_script.append(Fault.HANG)
    began = asyncio.get_running_loop().time()
    result = await impatient.send(DEVICES, PUSH)
    assert [failed.reason for failed in result.failed.values()] == ["Google's token server: TimeoutError"] * 5
    assert asyncio.get_running_loop().time() - began < IMPATIENCE_S * overload()
    assert len((await impatient.send(DEVICES, PUSH)).sent) == 5
    assert google.token_requests == 3


async def test_cancelled_caller_keeps_the_shared_token_request(fcm: FcmPusher, google: Google) -> None:
    google.takes_s = 1.0
    first = asyncio.create_task(fcm.send(["first"], PUSH))
    await until(lambda: google.token_requests == 1)
    second = asyncio.create_task(fcm.send(["second"], PUSH))
    await asyncio.sleep(0.01)
    first.cancel()
    assert (await second).sent.keys() == {"second"}
    assert google.token_requests == 1
    assert google.accepted_tokens() == ["second"]


async def test_foreign_key_is_refused_by_the_token_server(push_settings: PushSettings, google: Google) -> None:
    other = generate_private_key(65537, 2048)
    pem = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    account = msgspec.json.encode({**google.account, "private_key": pem}).decode()
    pusher = FcmPusher(msgspec.structs.replace(push_settings, service_account=account), AdjustableClock())
    result = await pusher.send(["device"], PUSH)
    await pusher.aclose()
    assert result.failed["device"].reason == "Google's token server answered 400 invalid_grant"
    assert google.good_tokens == set()


@pytest.mark.parametrize(
    "changed",
    [
        None,
        {"private_key": "secret words"},
        {"private_key": _pem(Ed25519PrivateKey.generate())},
        {"project_id": 7},
        {"token_uri": None},
    ],
    ids=["no JSON", "no key", "another kind of key", "a number", "null"],
)
async def test_invalid_service_account_is_refused_at_start(google: Google, changed: dict[str, object] | None) -> None:
    text = "{secret" if changed is None else msgspec.json.encode({**google.account, **changed}).decode()
    with pytest.raises(ValueError, match=r"^GROME_PUSH_SERVICE_ACCOUNT ") as fault:
        FcmPusher(PushSettings(transport="fcm", service_account=text), system_clock)
    assert "secret" not in str(fault.value)
    assert "PRIVATE KEY" not in str(fault.value)
