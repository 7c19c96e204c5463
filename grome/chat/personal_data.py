"""Declare the personal data of messages, and erase a person's messages."""

from collections.abc import AsyncIterator
from typing import Final

from grome.chat.repository import BLOCKS, CONVERSATIONS, MESSAGES, REPORTS, MessageRepository
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
                exported=("booking_id", "message_id", "reason", "decision", "created_at"),
                reason="Reports of messages stay for 180 days after their decision, to protect other people.",
                roles=SIDES,
            ),
            Share(
                owner="sender_id",
                fate=Fate.KEPT,
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
