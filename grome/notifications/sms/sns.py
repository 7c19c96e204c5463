"""Send text messages through Amazon SNS."""

import asyncio
from collections.abc import Awaitable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Any, Protocol

import aioboto3  # type: ignore[import-untyped]
from aiobotocore.config import AioConfig  # type: ignore[import-untyped]
from botocore.exceptions import BotoCoreError, ClientError  # type: ignore[import-untyped]
from botocore.parsers import ResponseParserError  # type: ignore[import-untyped]

from config.sections.messages import SmsSettings
from grome.common.clock import Clock
from grome.infrastructure.retry_after import read_retry_after
from grome.notifications.sms.sender import SmsFailedError, sms_error

# Networks drop the other type, promotional, first, and some countries do not deliver it at night.
TRANSACTIONAL = {"AWS.SNS.SMS.SMSType": {"DataType": "String", "StringValue": "Transactional"}}


class _Client(Protocol):
    def publish(self, **words: Any) -> Awaitable[dict[str, Any]]: ...  # noqa: ANN401 -- the SDK has no types


class SnsSender:
    """Sends text messages at least once; SNS does not deduplicate them, and a phone shows both copies.

    A person gets a text twice if SNS accepted it, its response was lost or late, or our process died before it stored
    the result, and the job was retried. The SDK's own retries are off: they would multiply the copies without being
    logged.
    """

    def __init__(self, settings: SmsSettings, clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        self._stack = AsyncExitStack()
        self._opening = asyncio.Lock()
        self._client: _Client | None = None

    async def send(self, phone: str, text: str, id: str) -> str:  # noqa: A002, ARG002 -- SNS has no place for it
        # The SDK's error texts can contain the number, so they are not passed on.
        try:
            # The SDK's own timeouts apply to each read, and not to its search for credentials.
            async with asyncio.timeout(self._settings.timeout_s):
                client = await self._open_client()
                answer = await client.publish(PhoneNumber=phone, Message=text, MessageAttributes=TRANSACTIONAL)
        except ClientError as fault:
            raise self._error(fault) from None
        except (BotoCoreError, ResponseParserError, TimeoutError) as fault:
            raise SmsFailedError(f"SNS: {type(fault).__name__}") from None
        return str(answer["MessageId"])

    async def aclose(self) -> None:
        await self._stack.aclose()

    async def _open_client(self) -> _Client:
        """Return the client, which is opened once and keeps its connections."""
        async with self._opening:
            if self._client is None:
                self._client = await self._stack.enter_async_context(_create_client(self._settings))
            client: _Client = self._client
        return client

    def _error(self, fault: ClientError) -> Exception:
        answer = fault.response["ResponseMetadata"]
        retry_after = answer["HTTPHeaders"].get("retry-after")
        code = fault.response["Error"]["Code"]
        return sms_error(code, answer["HTTPStatusCode"], read_retry_after(retry_after, self._clock()))


def _create_client(settings: SmsSettings) -> AbstractAsyncContextManager[_Client]:
    client: AbstractAsyncContextManager[_Client] = aioboto3.Session().client(
        "sns",
        region_name=settings.region,
        endpoint_url=settings.url or None,
        config=AioConfig(
            connect_timeout=settings.timeout_s, read_timeout=settings.timeout_s, retries={"total_max_attempts": 1}
        ),
    )
    return client
