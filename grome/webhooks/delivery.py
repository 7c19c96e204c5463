"""One attempt to deliver, and what follows from how it ended."""

import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from loguru import logger

from grome import __version__
from grome.common.clock import Clock
from grome.jobs.errors import LaterError, UndeliverableError
from grome.webhooks.errors import DeliveryError, UnreadableSecretError
from grome.webhooks.models import (
    FAILING_TOO_LONG,
    Attempt,
    Delivery,
    Disabled,
    DisabledReason,
    Endpoint,
    SendWebhook,
)
from grome.webhooks.repository import DeliveryRepository, EndpointRepository
from grome.webhooks.sender import Outcome, Sender
from grome.webhooks.signing import Vault, signatures

_GONE: Final = 410
_BUSY: Final = frozenset({429, 503})
_SHORTEST_WAIT_S: Final = 5.0
_LONGEST_WAIT_S: Final = 12 * 3_600.0
_LONGEST_NUMBER: Final = 9


class WebhookDelivery:
    def __init__(
        self,
        endpoints: EndpointRepository,
        deliveries: DeliveryRepository,
        vault: Vault,
        sender: Sender,
        clock: Clock,
    ) -> None:
        self._endpoints, self._deliveries, self._vault = endpoints, deliveries, vault
        self._sender, self._clock = sender, clock

    async def deliver(self, wanted: SendWebhook, *, last: bool) -> None:
        """Try once; `last` says that no further try will be made.

        Raises DeliveryError or LaterError where it failed, UndeliverableError where no try will help. Where endpoint or
        delivery are gone, the endpoint is disabled, or this run has delivered already, nothing is sent and that is all.
        """
        endpoint = await self._endpoints.find({}, wanted.endpoint_id)
        delivery = await self._deliveries.find_by_event(wanted.endpoint_id, wanted.event_id)
        if endpoint is None or delivery is None:
            return
        if any(attempt.run == wanted.run and attempt.error is None for attempt in delivery.attempts):
            return
        if endpoint.disabled:
            await self._deliveries.give_up(delivery, wanted.run)
            return
        outcome, attempt = await self._attempt(endpoint, delivery, wanted.run)
        if attempt.error is None:
            await self._deliveries.note_delivered(delivery, attempt)
            await self._endpoints.note_success(endpoint.id)
            return
        await self._deliveries.note_failed(delivery, attempt)
        await self._judge(endpoint, outcome, attempt.at)
        if last or outcome.status == _GONE:
            await self._deliveries.give_up(delivery, wanted.run)
        _raise(attempt.error, outcome, attempt.at)

    async def _attempt(self, endpoint: Endpoint, delivery: Delivery, run: int) -> tuple[Outcome, Attempt]:
        now, started = self._clock(), time.perf_counter()
        try:
            headers = self._headers(endpoint, delivery, now)
            outcome = await self._sender.post(endpoint.url, headers, delivery.body)
        except UnreadableSecretError:
            outcome = Outcome(error="The endpoint's secret was sealed under another key: rotate it.")
        attempt = Attempt(
            at=now,
            run=run,
            status=outcome.status,
            duration_ms=round((time.perf_counter() - started) * 1000),
            error=outcome.error or _fault_of(outcome.status),
            answer=outcome.answer,
        )
        return outcome, attempt

    def _headers(self, endpoint: Endpoint, delivery: Delivery, now: datetime) -> dict[str, str]:
        """Raises UnreadableSecretError where none of the secrets can be read."""
        timestamp = int(now.timestamp())
        return {
            "Content-Type": "application/json",
            "User-Agent": f"Grome/{__version__}",
            "webhook-id": str(delivery.event_id),
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signatures(self._secrets(endpoint, now), delivery.event_id, timestamp, delivery.body),
        }

    def _secrets(self, endpoint: Endpoint, now: datetime) -> list[bytes]:
        """Those that are valid; an older one may have been sealed before the server's key was changed."""
        newest, *older = endpoint.secrets
        opened = [self._vault.open(newest.sealed, endpoint.id)]
        for secret in older:
            if secret.valid_until and secret.valid_until > now:
                try:
                    opened.append(self._vault.open(secret.sealed, endpoint.id))
                except UnreadableSecretError:
                    logger.warning("An old secret of webhook endpoint {} is unreadable", endpoint.id)
        return opened

    async def _judge(self, endpoint: Endpoint, outcome: Outcome, now: datetime) -> None:
        """Whether after this failure the endpoint is asked again at all."""
        if outcome.status == _GONE:
            reason = DisabledReason.GONE
        elif endpoint.failing_since is None:
            await self._endpoints.note_failure(endpoint.id, now)
            return
        elif now - endpoint.failing_since < FAILING_TOO_LONG:
            return
        else:
            reason = DisabledReason.FAILING
        if await self._endpoints.disable(endpoint, Disabled(reason, now)):
            logger.info("Webhook endpoint {} is disabled: {}", endpoint.id, reason.value)


def _fault_of(status: int | None) -> str | None:
    if status is not None and 200 <= status < 300:  # noqa: PLR2004 -- the class of successes
        return None
    return f"The receiver answered {status}."


def _raise(told: str, outcome: Outcome, now: datetime) -> None:
    if outcome.status == _GONE:
        raise UndeliverableError(told)
    if outcome.status in _BUSY and (seconds := wait_s(outcome.retry_after, now)) is not None:
        raise LaterError(told, seconds, by_recipient=True)
    raise DeliveryError(told)


def wait_s(retry_after: str, now: datetime) -> float | None:
    """What a `Retry-After` asks for, within five seconds and half a day; None where it says nothing that we read.

    RFC 9110, section 10.2.3: seconds or a date.
    """
    if retry_after.isascii() and retry_after.isdigit():
        seconds = float(retry_after[:_LONGEST_NUMBER]) if len(retry_after) <= _LONGEST_NUMBER else _LONGEST_WAIT_S
    else:
        try:
            until = parsedate_to_datetime(retry_after)
        except ValueError:
            return None
        seconds = ((until if until.tzinfo else until.replace(tzinfo=UTC)) - now).total_seconds()
    return min(max(seconds, _SHORTEST_WAIT_S), _LONGEST_WAIT_S)
