"""Test that FcmPusher loses no message and sends none twice, by the log of a fake server."""

import asyncio
from datetime import timedelta

import pytest

from config.sections.messages import PushSettings
from grome.infrastructure.jobs.errors import RetryLaterError
from grome.notifications.push import Push, PushFailedError, PushResult
from grome.notifications.push.fcm import MAX_CONCURRENT_REQUESTS, FcmPusher, collapse_key
from tests.conftest import AdjustableClock
from tests.notifications.push.conftest import IMPATIENCE_S, PUSH
from tests.notifications.push.google import PROJECT, Fault, Google, fcm_error, with_retry_after
from tests.support.eventually import overload, until

DEVICES = [f"device-{number}" for number in range(10)]


class RetryingCaller:
    """Sends like a job: it stores the reached tokens, and sends to the others in the next try."""

    def __init__(self, fcm: FcmPusher, tokens: list[str]) -> None:
        self._fcm, self._tokens = fcm, tokens
        self.sent: dict[str, str] = {}

    async def try_once(self, push: Push = PUSH) -> PushResult:
        result = await self._fcm.send([token for token in self._tokens if token not in self.sent], push)
        assert result.sent.keys() | result.gone.keys() | result.failed.keys() == set(self._tokens) - set(self.sent)
        self.sent.update(result.sent)
        return result


async def test_fcm_message_has_text_and_link(fcm: FcmPusher, google: Google, clock: AdjustableClock) -> None:
    result = await fcm.send(["device"], PUSH)
    assert result == PushResult({"device": f"projects/{PROJECT}/messages/1"}, {}, {})
    [message] = google.accepted
    assert message["token"] == "device"
    assert message["notification"] == {"title": "Booking accepted", "body": "Tomorrow at 10:00"}
    assert message["data"] == {"link": "grome://bookings/0190", "id": PUSH.id}
    key = message["android"]["notification"]["tag"]
    assert message["android"]["ttl"] == "3600s"
    assert message["apns"]["headers"]["apns-collapse-id"] == key
    assert abs(int(message["apns"]["headers"]["apns-expiration"]) - clock().timestamp() - 3600) < 5
    assert message["webpush"]["headers"] == {"TTL": "3600", "Topic": key}


def test_collapse_key_is_unique_and_valid_on_all_platforms() -> None:
    assert collapse_key("a") == collapse_key("a") != collapse_key("b")
    assert len(collapse_key("0190" * 40)) == 32
    assert collapse_key("ü / ?").isalnum()


async def test_fcm_sends_once_to_a_repeated_token(fcm: FcmPusher, google: Google) -> None:
    result = await fcm.send(["device", "device"], PUSH)
    assert list(result.sent) == google.accepted_tokens() == ["device"]


async def test_fcm_without_tokens_sends_nothing(fcm: FcmPusher, google: Google) -> None:
    assert await fcm.send([], PUSH) == PushResult({}, {}, {})
    assert google.token_requests == google.posts == 0


async def test_fcm_concurrent_pushes_share_token_and_connections(fcm: FcmPusher, google: Google) -> None:
    google.takes_s = 0.2
    results = await asyncio.gather(*(fcm.send([f"{device}-{n}" for n in range(10)], PUSH) for device in DEVICES))
    assert sum(len(result.sent) for result in results) == len(google.accepted) == 100
    assert google.token_requests == 1
    assert google.server.connections <= MAX_CONCURRENT_REQUESTS + 1


async def test_access_token_is_cached_until_a_minute_before_expiry(
    fcm: FcmPusher, google: Google, clock: AdjustableClock
) -> None:
    for shift, requests in ((0, 1), (3590 - 60, 1), (3600 - 60, 2), (2 * 3600, 3)):
        clock.shift = timedelta(seconds=shift)
        assert (await fcm.send(["device"], PUSH)).sent
        assert google.token_requests == requests


async def test_refused_access_token_is_fetched_again_once(fcm: FcmPusher, google: Google) -> None:
    await fcm.send(["device"], PUSH)
    google.good_tokens.clear()
    google.accepted.clear()
    result = await fcm.send(DEVICES, PUSH)
    assert sorted(result.sent) == sorted(google.accepted_tokens()) == DEVICES
    assert google.token_requests == 2


async def test_fcm_fails_if_the_new_access_token_is_refused_too(fcm: FcmPusher, google: Google) -> None:
    google.script["device"].extend([fcm_error(401, "UNAUTHENTICATED")] * 3)
    result = await fcm.send(["device"], PUSH)
    assert result.failed["device"].reason == "FCM answered 401 UNAUTHENTICATED"
    assert (google.posts, google.token_requests) == (2, 2)
    with pytest.raises(PushFailedError):
        result.raise_for_failed()


async def test_apple_key_error_keeps_the_access_token(fcm: FcmPusher, google: Google) -> None:
    google.script["iphone"].append(fcm_error(401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR"))
    result = await fcm.send(["iphone"], PUSH)
    assert result.failed["iphone"].reason == "FCM answered 401 THIRD_PARTY_AUTH_ERROR"
    assert (google.posts, google.token_requests) == (1, 1)


async def test_fcm_retry_after_of_a_token_is_returned(fcm: FcmPusher, google: Google) -> None:
    caller = RetryingCaller(fcm, ["one", "two", "three"])
    google.script["two"].append(with_retry_after(fcm_error(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED"), "7"))
    google.script["three"].append(with_retry_after(fcm_error(503, "UNAVAILABLE", "UNAVAILABLE"), "3"))
    with pytest.raises(RetryLaterError) as later:
        (await caller.try_once()).raise_for_failed()
    assert later.value.seconds == 7
    (await caller.try_once()).raise_for_failed()
    assert sorted(google.accepted_tokens()) == ["one", "three", "two"]


async def test_fcm_hanging_request_times_out_and_others_succeed(impatient: FcmPusher, google: Google) -> None:
    caller = RetryingCaller(impatient, DEVICES)
    google.script["device-3"].append(Fault.HANG)
    began = asyncio.get_running_loop().time()
    result = await caller.try_once()
    assert asyncio.get_running_loop().time() - began < 2 * IMPATIENCE_S * overload()
    assert result.failed.keys() == {"device-3"}
    (await caller.try_once()).raise_for_failed()
    assert sorted(google.accepted_tokens()) == DEVICES


async def test_fcm_with_all_requests_hanging_ends_in_time(impatient: FcmPusher, google: Google) -> None:
    tokens = [f"device-{number}" for number in range(3 * MAX_CONCURRENT_REQUESTS)]
    for token in tokens:
        google.script[token].append(Fault.HANG)
    began = asyncio.get_running_loop().time()
    result = await impatient.send(tokens, PUSH)
    assert asyncio.get_running_loop().time() - began < 2 * IMPATIENCE_S * overload()
    assert result.failed.keys() == set(tokens)


async def test_fcm_server_restart_loses_and_repeats_nothing(fcm: FcmPusher, google: Google) -> None:
    caller = RetryingCaller(fcm, DEVICES)
    for token in DEVICES[4:]:
        google.script[token].append(Fault.HANG)
    trying = asyncio.create_task(caller.try_once())
    # A request is counted before it begins to hang: a server stopped in between would hang after its return instead.
    await until(lambda: not any(google.script.values()) and len(google.accepted) == 4)
    await google.server.stop()
    result = await trying
    assert result.failed.keys() == set(DEVICES[4:])
    with pytest.raises(PushFailedError, match="FCM: ConnectError"):  # while it is away
        (await caller.try_once()).raise_for_failed()
    await google.server.start()
    (await caller.try_once()).raise_for_failed()
    assert sorted(google.accepted_tokens()) == DEVICES
    assert sorted(caller.sent) == DEVICES


async def test_fcm_cut_connections_are_retried(fcm: FcmPusher, google: Google) -> None:
    caller = RetryingCaller(fcm, DEVICES)
    for token in DEVICES[::2]:
        google.script[token].append(Fault.CUT)
    with pytest.raises(PushFailedError):
        (await caller.try_once()).raise_for_failed()
    (await caller.try_once()).raise_for_failed()
    assert sorted(google.accepted_tokens()) == DEVICES


async def test_fcm_lost_response_resends_with_the_same_collapse_key(fcm: FcmPusher, google: Google) -> None:
    """FCM cannot recognize a repeat, so this duplicate cannot be avoided."""
    caller = RetryingCaller(fcm, ["device"])
    google.script["device"].append(Fault.LOST)
    assert (await caller.try_once()).failed
    (await caller.try_once()).raise_for_failed()
    first, second = google.accepted
    assert first["android"] == second["android"]
    assert first["data"]["id"] == second["data"]["id"] == PUSH.id


async def test_fcm_foreign_response_is_a_failure(fcm: FcmPusher, google: Google) -> None:
    page = with_retry_after(fcm_error(200, "OK"), "1")
    google.script["device"].append(page)
    assert (await fcm.send(["device"], PUSH)).failed["device"].reason == "FCM answered 200 without a message's name"


async def test_fcm_close_ends_a_hanging_token_request(push_settings: PushSettings, google: Google) -> None:
    pusher = FcmPusher(push_settings, AdjustableClock())
    google.tokens_script.append(Fault.HANG)
    sending = asyncio.create_task(pusher.send(["device"], PUSH))
    await until(lambda: google.token_requests == 1)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    await pusher.aclose()
    assert google.posts == 0
