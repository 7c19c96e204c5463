"""Make one attempt at a delivery, and record its consequences."""

import random
import time
from datetime import datetime, timedelta
from typing import Final, NoReturn

from loguru import logger

from grome import installed_version
from grome.common.clock import Clock
from grome.infrastructure.jobs.errors import PostponedError, RetryLaterError, UndeliverableError
from grome.infrastructure.retry_after import read_retry_after
from grome.infrastructure.tracing.spans import child_span, traceparent
from grome.webhooks.errors import DeliveryError, UnreadableSecretError
from grome.webhooks.health import EndpointHealth, seconds_to_wait
from grome.webhooks.models import MAX_WAIT, Attempt, Delivery, Endpoint, RequestLease, SendWebhook
from grome.webhooks.repository import DeliveryRepository, EndpointRepository
from grome.webhooks.sender import Outcome, WebhookSender
from grome.webhooks.signing import SecretSealer, sign

_USER_AGENT: Final = f"Grome/{installed_version()}"
_GONE: Final = 410
_BUSY: Final = frozenset({429, 503})
_MIN_RETRY_S: Final = 5.0
_MAX_RETRY_S: Final = 12 * 3_600.0


class WebhookDeliverer:
    def __init__(
        self,
        endpoints: EndpointRepository,
        deliveries: DeliveryRepository,
        sealer: SecretSealer,
        sender: WebhookSender,
        clock: Clock,
        health: EndpointHealth,
    ) -> None:
        self._endpoints, self._deliveries, self._sealer = endpoints, deliveries, sealer
        self._sender, self._clock, self._health = sender, clock, health

    async def deliver(self, payload: SendWebhook, *, last: bool, asked_at: datetime | None = None) -> None:
        """Make one attempt.

        `last` is true for the final attempt; `asked_at` is the time since when the delivery is due.

        Raises DeliveryError or RetryLaterError if the attempt failed, PostponedError if the delivery has to wait for
        its turn, and UndeliverableError if retries are useless. Sends nothing and returns if the endpoint or the
        delivery is gone, if the endpoint is disabled, or if this run has delivered already.
        """
        delivery = await self._deliveries.find_by_event(payload.endpoint_id, payload.event_id)
        if delivery is None:
            return
        if any(attempt.run == payload.run and attempt.error is None for attempt in delivery.attempts):
            return
        lease = self._health.new_lease(payload.claim)
        endpoint = await self._endpoints.acquire_lease(payload.endpoint_id, lease, self._clock())
        if endpoint is None:
            return
        if endpoint.disabled:
            await self._deliveries.mark_failed(delivery, payload.run)
            await self._health.renotify_disabled(endpoint)
            return
        if lease not in endpoint.in_flight:
            await self._wait_for_turn(endpoint, delivery, payload.run, asked_at)
        await self._send(endpoint, delivery, lease, payload.run, last=last)

    async def _send(self, endpoint: Endpoint, delivery: Delivery, lease: RequestLease, run: int, *, last: bool) -> None:
        """Make the request of a lease and record the outcome; the lease ends even if this raises.

        The lease of a worker that dies ends when its job runs again, or expires. Raises the error of a failed attempt.
        """
        has_ended = False
        try:
            outcome, attempt = await self._attempt(endpoint, delivery, run)
            if attempt.error is None:
                await self._deliveries.record_delivered(delivery, attempt)
            else:
                await self._deliveries.record_failed(delivery, attempt)
            await self._health.end_request(endpoint, lease, attempt, is_gone=outcome.status == _GONE)
            has_ended = True
        finally:
            if not has_ended:
                await self._endpoints.release_lease(endpoint.id, lease.claim)
        if attempt.error is None:
            return
        if last or outcome.status == _GONE:
            await self._deliveries.mark_failed(delivery, run)
        _raise_failure(attempt.error, outcome, attempt.at)

    async def _wait_for_turn(
        self, endpoint: Endpoint, delivery: Delivery, run: int, asked_at: datetime | None
    ) -> NoReturn:
        now = self._clock()
        waited = now - asked_at if asked_at else timedelta()
        if waited > MAX_WAIT:
            await self._deliveries.mark_failed(delivery, run)
            raise UndeliverableError("The receiver was too slow for a day.")
        raise PostponedError("the receiver is busy", seconds_to_wait(endpoint, now, waited, random.random()))  # noqa: S311 -- spreads load, no secret

    async def _attempt(self, endpoint: Endpoint, delivery: Delivery, run: int) -> tuple[Outcome, Attempt]:
        now, started = self._clock(), time.perf_counter()
        try:
            headers = self._headers(endpoint, delivery, now)
            with child_span("send webhook", kind="client"):
                if trace := traceparent():
                    headers["traceparent"] = trace
                outcome = await self._sender.post(endpoint.url, headers, delivery.body)
        except UnreadableSecretError:
            outcome = Outcome(error="The endpoint's secret was sealed under another key: rotate it.")
        attempt = Attempt(
            at=now,
            run=run,
            status=outcome.status,
            duration_ms=round((time.perf_counter() - started) * 1000),
            error=outcome.error or _error_for_status(outcome.status),
            answer=outcome.answer,
        )
        return outcome, attempt

    def _headers(self, endpoint: Endpoint, delivery: Delivery, now: datetime) -> dict[str, str]:
        """Return the headers of the request. Raises UnreadableSecretError if the newest secret cannot be read."""
        return {
            "Content-Type": "application/json",
            "User-Agent": _USER_AGENT,
            "webhook-id": str(delivery.event_id),
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": sign(self._secrets(endpoint, now), delivery.event_id, now, delivery.body),
        }

    def _secrets(self, endpoint: Endpoint, now: datetime) -> list[bytes]:
        """Return the valid secrets; an older secret that was sealed by a previous signing key is left out."""
        newest, *older = endpoint.secrets
        opened = [self._sealer.open(newest.sealed, endpoint.id)]
        for secret in older:
            if secret.valid_until and secret.valid_until > now:
                try:
                    opened.append(self._sealer.open(secret.sealed, endpoint.id))
                except UnreadableSecretError:
                    logger.warning("An old secret of webhook endpoint {} is unreadable", endpoint.id)
        return opened


def _error_for_status(status: int | None) -> str | None:
    if status is not None and 200 <= status < 300:  # noqa: PLR2004 -- the class of successes
        return None
    return f"The receiver answered {status}."


def _raise_failure(told: str, outcome: Outcome, now: datetime) -> None:
    if outcome.status == _GONE:
        raise UndeliverableError(told)
    if outcome.status in _BUSY and (seconds := retry_wait_s(outcome.retry_after, now)) is not None:
        raise RetryLaterError(told, seconds, by_recipient=True)
    raise DeliveryError(told)


def retry_wait_s(retry_after: str, now: datetime) -> float | None:
    """Return the wait of a Retry-After header, from five seconds to 12 hours; None if the header is unreadable."""
    seconds = read_retry_after(retry_after, now)
    return None if seconds is None else min(max(seconds, _MIN_RETRY_S), _MAX_RETRY_S)
