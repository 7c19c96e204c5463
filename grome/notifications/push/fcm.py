"""Send push messages through Firebase Cloud Messaging, by its HTTP v1 API."""

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any

import httpx
import msgspec

from config.sections.messages import PushSettings
from grome.common.clock import Clock
from grome.notifications.push.fcm_errors import is_access_token_refused, parse_response
from grome.notifications.push.google_oauth import AccessTokens, TokenUnavailableError, read_service_account
from grome.notifications.push.messages import Failed, Outcome, Push, PushResult

# The API takes one token a request. Each concurrent request uses a kept connection.
MAX_CONCURRENT_REQUESTS = 20


class FcmPusher:
    """Sends pushes through FCM, which does not deduplicate requests that were repeated after a lost response.

    The device shows one message, because both carry the same tag (Android, web) or collapse id (Apple).
    """

    def __init__(self, settings: PushSettings, clock: Clock) -> None:
        """Raises ValueError if the service account is invalid."""
        account = read_service_account(settings.service_account)
        # The semaphore bounds the connections, plus one for the token server.
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=MAX_CONCURRENT_REQUESTS + 1)
        self._http = httpx.AsyncClient(timeout=settings.timeout_s, limits=limits)
        # Half of the timeout, so that the other half is left for sending.
        self._access = AccessTokens(account, self._http, settings.timeout_s / 2, clock)
        self._url = f"{settings.url}/v1/projects/{account.project_id}/messages:send"
        self._timeout_s, self._clock = settings.timeout_s, clock
        self._slots = asyncio.Semaphore(MAX_CONCURRENT_REQUESTS)

    async def send(self, tokens: Sequence[str], push: Push) -> PushResult:
        message = _message(push, self._clock().timestamp())
        ends_at = asyncio.get_running_loop().time() + self._timeout_s
        async with asyncio.TaskGroup() as group:
            tasks = {
                token: group.create_task(self._outcome({**message, "token": token}, ends_at))
                for token in dict.fromkeys(tokens)
            }
        return PushResult.of({token: task.result() for token, task in tasks.items()})

    async def aclose(self) -> None:
        await self._access.aclose()
        await self._http.aclose()

    async def _outcome(self, message: dict[str, Any], ends_at: float) -> Outcome:
        try:
            async with asyncio.timeout_at(ends_at), self._slots:
                return await self._send(msgspec.json.encode({"message": message}))
        except TokenUnavailableError as fault:
            return Failed(str(fault), fault.retry_after_s)
        except (TimeoutError, httpx.RequestError) as fault:
            return Failed(f"FCM: {type(fault).__name__}")

    async def _send(self, body: bytes) -> Outcome:
        access = await self._access.get()
        answer = await self._post(body, access)
        if is_access_token_refused(answer):  # e.g. revoked by an administrator before its expiry
            self._access.invalidate(access)
            answer = await self._post(body, await self._access.get())
        return parse_response(answer, self._clock())

    async def _post(self, body: bytes, access: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {access}", "Content-Type": "application/json"}
        return await self._http.post(self._url, content=body, headers=headers)


def collapse_key(push_id: str) -> str:
    """Return 32 hexadecimal digits, the longest key that FCM, Apple and web push all accept.

    The shortest limit is that of a web push's topic.
    """
    return hashlib.sha256(push_id.encode()).hexdigest()[:32]


def _message(push: Push, now: float) -> dict[str, Any]:
    """Return the message without its token.

    FCM ignores `android.collapse_key` in notifications; the tag replaces instead.
    """
    key, expires_at = collapse_key(push.id), str(int(now) + push.ttl_s if push.ttl_s else 0)
    return {
        "notification": {"title": push.title, "body": push.body},
        "data": {**push.data, "id": push.id},
        "android": {"priority": "HIGH", "ttl": f"{push.ttl_s}s", "notification": {"tag": key}},
        "apns": {"headers": {"apns-collapse-id": key, "apns-expiration": expires_at}},
        "webpush": {"headers": {"TTL": str(push.ttl_s), "Topic": key}, "notification": {"tag": key}},
    }
