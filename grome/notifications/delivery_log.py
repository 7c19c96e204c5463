"""Record the result of each message, and claim messages so that none is sent twice."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final
from uuid import UUID

from grome.common.actor import Actor
from grome.common.clock import Clock, to_utc
from grome.infrastructure.http import PageQuery, cut_page, decode_cursor
from grome.notifications.models import Bounce, Channel, ChannelDelivery, DedupeClaim, LogEntry, MessageKind, State, Why
from grome.notifications.repository import AfterEntry, NotificationRepository
from grome.notifications.schemas import NotificationPage, notification_out

# The conversation shows each message, so the log of messages has only the pushes about it.
_UNLISTED: Final = frozenset({MessageKind.MESSAGE_RECEIVED})


class NotificationLog:
    def __init__(self, entries: NotificationRepository, clock: Clock) -> None:
        self._entries, self._clock = entries, clock

    async def page(self, actor: Actor, query: PageQuery) -> NotificationPage:
        after = decode_cursor(query.cursor, AfterEntry)
        if after:  # a cursor is client input
            after = AfterEntry(to_utc(after.at, "cursor"), after.entry_id)
        found = await self._entries.page(actor.id, after, query.limit + 1)
        page, next_cursor = cut_page(found, query.limit, lambda row: AfterEntry(row.at, row.id))
        return NotificationPage([notification_out(entry) for entry in page], next_cursor)

    async def find(self, delivery: ChannelDelivery) -> LogEntry | None:
        return await self._entries.find(delivery.entry_id)

    async def record_sent(
        self, delivery: ChannelDelivery, provider_id: str | None, reached: Iterable[UUID] = ()
    ) -> None:
        await self._record(delivery, State.SENT, provider_id=provider_id, reached=reached)

    async def record_suppressed(self, delivery: ChannelDelivery, why: Why) -> None:
        await self._record(delivery, State.SUPPRESSED, why=why)

    async def record_failed(
        self, delivery: ChannelDelivery, reached: Iterable[UUID] = (), why: Why | None = None
    ) -> None:
        """Record a failure so far: a later try can change the state to `sent`. The job holds the error."""
        await self._record(delivery, State.FAILED, why=why, reached=reached)

    async def claim(self, delivery: ChannelDelivery, about: str, window: timedelta) -> DedupeClaim | None:
        """Claim the message for the dedupe window. Returns None if another message holds the claim."""
        now = self._clock()
        notification = delivery.notification
        claim_id = f"{notification.kind}:{about}:{notification.user_id}:{delivery.channel}"
        claim = DedupeClaim(claim_id, delivery.entry_id, now + window)
        return claim if await self._entries.claim(claim, now) else None

    async def release(self, claim: DedupeClaim) -> None:
        await self._entries.release(claim)

    async def record_bounce(self, delivery: ChannelDelivery, address: str) -> None:
        """Mark the address as bounced; for seven days only security messages go there."""
        await self._entries.record_bounce(Bounce(_bounce_id(delivery, address), delivery.entry_id, self._clock()))

    async def has_bounced(self, delivery: ChannelDelivery, address: str) -> bool:
        """Return whether the address bounced by another message; retries of this message do not count."""
        return await self._entries.has_bounced(_bounce_id(delivery, address), delivery.entry_id)

    async def _record(
        self,
        delivery: ChannelDelivery,
        state: State,
        *,
        why: Why | None = None,
        provider_id: str | None = None,
        reached: Iterable[UUID] = (),
    ) -> None:
        notification = delivery.notification
        if notification.kind in _UNLISTED and (state is State.SUPPRESSED or delivery.channel is Channel.IN_APP):
            return
        entry = LogEntry(
            id=delivery.entry_id,
            event_id=notification.event_id,
            kind=notification.kind,
            user_id=notification.user_id,
            channel=delivery.channel,
            subject_id=notification.subject_id,
            state=state,
            why=why,
            provider_id=provider_id,
            reached=list(reached),
            at=self._clock(),
        )
        await self._entries.record(entry)


def _bounce_id(delivery: ChannelDelivery, address: str) -> str:
    return f"{delivery.channel}:{address}"
