"""Declare the personal data of messages, and erase messages of a person and of old visits."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final

from grome.bookings.queries import BookingQueries
from grome.chat.repository import BLOCKS, CONVERSATIONS, MESSAGES, REPORTS, MessageReportRepository, MessageRepository
from grome.common.actor import SIDES, Role
from grome.common.clock import Clock
from grome.infrastructure.mongo.client import Database
from grome.infrastructure.mongo.personal_documents import (
    Declared,
    Fate,
    PersonalCollection,
    PersonalDocuments,
    Share,
)
from grome.infrastructure.personal_data import Exported, ExportedRecord, Person
from grome.uploads.service import UploadService

_BATCH: Final = 200
_EXPORTED: Final = (
    "_id",
    "booking_id",
    "sender_id",
    "number",
    "text",
    "photos",
    "created_at",
    "edited_at",
    "deleted_at",
)
_MESSAGES: Final = PersonalCollection(
    spec=MESSAGES,
    shares=(
        Share(
            owner="sender_id",
            fate=Fate.ANONYMISED,
            exported=_EXPORTED,
            reason="The places of your messages stay in the conversations, without text and photos.",
            roles=SIDES,
        ),
    ),
    internal=frozenset({"customer_id", "barber_id", "number_of_sender", "fingerprint", "version", "outbox"}),
    handled_apart=True,
)
PERSONAL_DATA: Final[tuple[Declared, ...]] = (
    PersonalCollection(
        spec=CONVERSATIONS,
        shares=tuple(
            Share(
                owner=f"{role.value}_id",
                fate=Fate.KEPT,
                exported=("_id", "customer_id", "barber_id", "latest_at", "created_at"),
                reason="Conversations have ids, times and counters only, and belong to the other side too.",
                roles=frozenset({role}),
            )
            for role in (Role.CUSTOMER, Role.BARBER)
        ),
        internal=frozenset({"last_number", "latest_id", "version", "customer", "barber", "notice"}),
    ),
    _MESSAGES,
    PersonalCollection(
        spec=BLOCKS,
        shares=(Share(owner="owner_id", fate=Fate.ERASED, exported=("blocked_id", "created_at"), roles=SIDES),),
        internal=frozenset({"_id", "slot"}),
    ),
    PersonalCollection(
        spec=REPORTS,
        shares=(
            Share(
                owner="reporter_id",
                fate=Fate.KEPT,
                cleared_items={"outbox": {"origin": None}},
                exported=("booking_id", "message_id", "reason", "decision", "created_at"),
                reason="Reports of messages stay for 180 days after their decision, to protect other people.",
                roles=SIDES,
            ),
            Share(
                owner="sender_id",
                fate=Fate.KEPT,
                cleared_items={"outbox": {"origin": None}},
                reason="Reports of messages stay for 180 days after their decision, to protect other people.",
                roles=SIDES,
            ),
        ),
        internal=frozenset({"_id", "text", "photos", "note", "resolved_by", "resolved_at", "outbox"}),
    ),
)


class MessageData(PersonalDocuments):
    """The messages of a person, found by their conversations. An export has both sides, as the API shows them."""

    def __init__(self, database: Database, messages: MessageRepository, clock: Clock) -> None:
        super().__init__(database, _MESSAGES)
        self._messages, self._clock = messages, clock

    async def export(self, person: Person) -> AsyncIterator[Exported]:
        async for message in self._messages.iter_of_account(person.id, _EXPORTED):
            yield ExportedRecord(self.name, message)

    async def erase(self, person: Person) -> None:
        await self._messages.erase_sent(person.id, self._clock())


class OldMessages:
    """The messages about old visits, with their photos."""

    name: Final = "messages"

    def __init__(
        self, messages: MessageRepository, bookings: BookingQueries, uploads: UploadService, clock: Clock
    ) -> None:
        self._messages, self._bookings, self._uploads, self._clock = messages, bookings, uploads, clock

    async def expire(self, since: datetime, until: datetime) -> None:
        async for booking_ids in self._bookings.iter_ids_between(since, until, _BATCH):
            # The photos first: their messages find them again if the erasure is interrupted in between.
            for message_id in await self._messages.list_with_photos(booking_ids):
                await self._uploads.discard(message_id)
            await self._messages.erase_of_bookings(booking_ids, self._clock())


class OldMessageReports:
    """Reports of messages that were decided long ago."""

    name: Final = "message_reports"

    def __init__(self, reports: MessageReportRepository) -> None:
        self._reports = reports

    async def expire(self, since: datetime, until: datetime) -> None:  # noqa: ARG002 -- decided later than created
        await self._reports.remove_decided(until)
