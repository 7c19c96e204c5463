"""What became of each message, and that none is sent twice."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final
from uuid import UUID

from grome.common.actor import Actor
from grome.common.clock import Clock, to_utc
from grome.infrastructure.http import PageQuery, decode_cursor, encode_cursor
from grome.notifications.models import Bounce, Errand, LogEntry, Slot, State, Why
from grome.notifications.repository import AfterEntry, NotificationRepository
from grome.notifications.schemas import NotificationPage, notification_out

# The same kind of message about the same thing is not sent twice to somebody within that time.
DEDUPE_WINDOW: Final = timedelta(minutes=10)


class NotificationLog:
    def __init__(self, entries: NotificationRepository, clock: Clock) -> None:
        self._entries, self._clock = entries, clock

    async def page(self, actor: Actor, query: PageQuery) -> NotificationPage:
        after = decode_cursor(query.cursor, AfterEntry)
        if after:  # it may be anybody's invention
            after = AfterEntry(to_utc(after.at, "cursor"), after.entry_id)
        found = await self._entries.page(actor.id, after, query.limit + 1)
        page = found[: query.limit]
        last = AfterEntry(page[-1].at, page[-1].id) if len(found) > query.limit else None
        return NotificationPage([notification_out(entry) for entry in page], encode_cursor(last) if last else None)

    async def find(self, errand: Errand) -> LogEntry | None:
        return await self._entries.find(errand.entry_id)

    async def sent(self, errand: Errand, provider_id: str | None, reached: Iterable[UUID] = ()) -> None:
        await self._record(errand, State.SENT, provider_id=provider_id, reached=reached)

    async def suppressed(self, errand: Errand, why: Why) -> None:
        await self._record(errand, State.SUPPRESSED, why=why)

    async def failed(self, errand: Errand, reached: Iterable[UUID] = (), why: Why | None = None) -> None:
        """So far: what is sent by a later try becomes `sent`. The error stands with the job."""
        await self._record(errand, State.FAILED, why=why, reached=reached)

    async def claim(self, errand: Errand, about: str) -> Slot | None:
        """The right to tell this, held for the window; None where another message has told it, or is about to."""
        now = self._clock()
        notice = errand.notice
        known_as = f"{notice.kind}:{about}:{notice.user_id}:{errand.channel}"
        slot = Slot(known_as, errand.entry_id, now + DEDUPE_WINDOW)
        return slot if await self._entries.claim(slot, now) else None

    async def free(self, slot: Slot) -> None:
        await self._entries.free(slot)

    async def bounced(self, errand: Errand, address: str) -> None:
        """For some days nothing but security goes there."""
        await self._entries.bounce(Bounce(_named(errand, address), errand.entry_id, self._clock()))

    async def has_bounced(self, errand: Errand, address: str) -> bool:
        """By another message than this one, whose tries all count as one."""
        return await self._entries.has_bounced(_named(errand, address), errand.entry_id)

    async def _record(
        self,
        errand: Errand,
        state: State,
        *,
        why: Why | None = None,
        provider_id: str | None = None,
        reached: Iterable[UUID] = (),
    ) -> None:
        notice = errand.notice
        entry = LogEntry(
            id=errand.entry_id,
            event_id=notice.event_id,
            kind=notice.kind,
            user_id=notice.user_id,
            channel=errand.channel,
            subject_id=notice.subject_id,
            state=state,
            why=why,
            provider_id=provider_id,
            reached=list(reached),
            at=self._clock(),
        )
        await self._entries.record(entry)


def _named(errand: Errand, address: str) -> str:
    return f"{errand.channel}:{address}"
