"""Store conversations, their messages, blocks and reports in MongoDB."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from msgspec import Meta, Struct, structs
from pymongo import IndexModel, ReturnDocument
from pymongo.errors import DuplicateKeyError
from pymongo.read_concern import ReadConcern

from grome.chat.models import (
    MAX_BLOCKS,
    Block,
    Conversation,
    Decision,
    Mark,
    Message,
    MessageEvent,
    MessageReport,
    ReportEvent,
)
from grome.infrastructure.mongo.client import CollectionSpec, Database, Document, from_document, to_document
from grome.infrastructure.mongo.numbered_documents import insert_with_free_number
from grome.infrastructure.mongo.schema import validator_for
from grome.infrastructure.mongo.transactions import Session

_SIDES: Final = ("customer", "barber")
_CONVERSATION_BATCH: Final = 200
_LATEST: Final = (("latest_at", -1), ("_id", -1))


def _unread(side: str) -> Document:
    return {f"{side}.unread": {"$gt": 0}}


CONVERSATIONS = CollectionSpec(
    "conversations",
    validator_for(Conversation),
    [
        *(IndexModel([(f"{side}_id", 1), *_LATEST], name=f"{side}_latest") for side in _SIDES),
        *(IndexModel(f"{side}_id", name=f"{side}_unread", partialFilterExpression=_unread(side)) for side in _SIDES),
    ],
)
MESSAGES = CollectionSpec(
    "messages",
    validator_for(Message),
    [IndexModel([("booking_id", 1), ("number", -1)], name="number", unique=True)],
)
BLOCKS = CollectionSpec(
    "blocks",
    validator_for(Block),
    [
        IndexModel([("owner_id", 1), ("blocked_id", 1)], name="pair", unique=True),
        # Bounds the blocks of an owner.
        IndexModel([("owner_id", 1), ("slot", 1)], name="slot", unique=True),
        IndexModel([("owner_id", 1), ("_id", -1)], name="newest"),
    ],
)
REPORTS = CollectionSpec(
    "message_reports",
    validator_for(MessageReport),
    [
        IndexModel([("decision", 1), ("created_at", -1), ("_id", -1)], name="newest"),
        *(IndexModel(f"{side}_id", name=side) for side in ("reporter", "sender")),
    ],
)
COLLECTIONS: Final = (CONVERSATIONS, MESSAGES, BLOCKS, REPORTS)


class MessageExistsError(Exception):
    """A message with this id is stored already."""


class AfterConversation(Struct, frozen=True, forbid_unknown_fields=True):
    """The position at which a page of conversations ended."""

    latest_at: Annotated[datetime, Meta(tz=True)]
    booking_id: UUID


class AfterMessage(Struct, frozen=True, forbid_unknown_fields=True):
    """The position at which a page of messages ended."""

    number: int


class AfterBlock(Struct, frozen=True, forbid_unknown_fields=True):
    """The position at which a page of blocks ended."""

    block_id: UUID


class AfterReport(Struct, frozen=True, forbid_unknown_fields=True):
    """The position at which a page of reports ended."""

    created_at: Annotated[datetime, Meta(tz=True)]
    report_id: UUID


class UnreadTotal(Struct, frozen=True):
    messages: int = 0
    conversations: int = 0


class ConversationRepository:
    """A conversation is changed only in a transaction that has read it, so no other request has changed it since."""

    def __init__(self, database: Database) -> None:
        self._conversations = database[CONVERSATIONS.name]

    async def find(self, scope: Document, booking_id: UUID, session: Session | None = None) -> Conversation | None:
        """Find a conversation within `scope`, the filter that `visible_to` returns. Returns None if there is none."""
        document = await self._conversations.find_one({**scope, "_id": booking_id}, session=session)
        return from_document(document, Conversation) if document else None

    async def insert(self, session: Session, conversation: Conversation) -> None:
        await self._conversations.insert_one(to_document(conversation), session=session)

    async def update(self, session: Session, conversation: Conversation, mark: Mark | None = None) -> None:
        """Store the new state. Only a mark sets `notice`, since each write of `notice` makes an event."""
        fields = to_document(conversation)
        changed = {name: fields[name] for name in ("last_number", "latest_id", "latest_at", "version", *_SIDES)}
        notice = {"notice": to_document(mark)} if mark else {}
        await self._conversations.update_one({"_id": conversation.id}, {"$set": {**changed, **notice}}, session=session)

    async def next_version(self, session: Session, booking_id: UUID) -> int:
        """Count an event of the conversation, and return the new version."""
        document = await self._conversations.find_one_and_update(
            {"_id": booking_id},
            {"$inc": {"version": 1}},
            projection={"version": 1},
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        return int((document or {})["version"])  # conversations are never deleted

    async def list_page(
        self, side: str, account_id: UUID, after: AfterConversation | None, limit: int
    ) -> list[Conversation]:
        """List the conversations of an account on this side, the newest message first."""
        query: Document = {f"{side}_id": account_id}
        if after:
            beyond = {"latest_at": after.latest_at, "_id": {"$lt": after.booking_id}}
            query["$or"] = [{"latest_at": {"$lt": after.latest_at}}, beyond]
        found = self._conversations.find(query).sort(list(_LATEST)).limit(limit)
        return [from_document(document, Conversation) async for document in found]

    async def sum_unread(self, side: str, account_id: UUID) -> UnreadTotal:
        total = {"_id": None, "messages": {"$sum": f"${side}.unread"}, "conversations": {"$sum": 1}}
        pipeline: list[Document] = [
            {"$match": {f"{side}_id": account_id, **_unread(side)}},
            {"$group": total},
            {"$unset": "_id"},
        ]
        async for document in await self._conversations.aggregate(pipeline):
            return from_document(document, UnreadTotal)
        return UnreadTotal()


class MessageRepository:
    def __init__(self, database: Database) -> None:
        self._messages, self._conversations = database[MESSAGES.name], database[CONVERSATIONS.name]
        # A repeat must not get an answer that a failover could roll back.
        self._majority = self._messages.with_options(read_concern=ReadConcern("majority"))

    async def insert(self, session: Session, message: Message) -> None:
        """Store a message. Raises MessageExistsError if a message of the sender has the same key."""
        try:
            await self._messages.insert_one(to_document(message), session=session)
        except DuplicateKeyError:
            raise MessageExistsError from None

    async def find(self, booking_id: UUID, message_id: UUID, session: Session | None = None) -> Message | None:
        document = await self._messages.find_one({"_id": message_id, "booking_id": booking_id}, session=session)
        return from_document(document, Message) if document else None

    async def find_committed(self, message_id: UUID) -> Message | None:
        """Find a message as a majority of the replica set has it."""
        document = await self._majority.find_one({"_id": message_id})
        return from_document(document, Message) if document else None

    async def find_many(self, message_ids: Collection[UUID]) -> list[Message]:
        found = self._messages.find({"_id": {"$in": list(message_ids)}})
        return [from_document(document, Message) async for document in found]

    async def list_page(self, booking_id: UUID, after: AfterMessage | None, limit: int) -> list[Message]:
        """List the messages of a conversation, the newest first."""
        query: Document = {"booking_id": booking_id, **({"number": {"$lt": after.number}} if after else {})}
        found = self._messages.find(query).sort("number", -1).limit(limit)
        return [from_document(document, Message) async for document in found]

    async def update(self, session: Session, message: Message, fields: Mapping[str, Any], event: MessageEvent) -> None:
        """Change a message in the transaction that read it."""
        await self._messages.update_one(
            {"_id": message.id},
            {"$set": {**fields, "version": message.version + 1}, "$push": {"outbox": to_document(event)}},
            session=session,
        )

    async def iter_of_account(self, account_id: UUID, fields: Sequence[str]) -> AsyncIterator[Document]:
        """Yield these fields of the messages in all conversations of an account."""
        async for booking_ids in self._iter_conversations(account_id):
            async for message in self._messages.find({"booking_id": {"$in": booking_ids}}, dict.fromkeys(fields, 1)):
                yield message

    async def erase_sent(self, account_id: UUID, now: datetime) -> None:
        """Remove text and photos of all messages of an account, which stay as deleted messages."""
        async for booking_ids in self._iter_conversations(account_id):
            sent = {"booking_id": {"$in": booking_ids}, "sender_id": account_id, "deleted_at": None}
            await self._messages.update_many(sent, _erasure(now))

    async def list_with_photos(self, booking_ids: Collection[UUID]) -> list[UUID]:
        """List the ids of the messages with photos of these bookings."""
        wanted = {"booking_id": {"$in": list(booking_ids)}, "photos.0": {"$exists": True}}
        return [message["_id"] async for message in self._messages.find(wanted, {"_id": 1})]

    async def erase_of_bookings(self, booking_ids: Collection[UUID], now: datetime) -> None:
        """Remove text and photos of all messages of these bookings, which stay as deleted messages."""
        sent: Document = {"booking_id": {"$in": list(booking_ids)}, "deleted_at": None}
        await self._messages.update_many(sent, _erasure(now))

    async def _iter_conversations(self, account_id: UUID) -> AsyncIterator[list[UUID]]:
        """Yield batches of the ids of an account's conversations."""
        batch: list[UUID] = []
        for side in _SIDES:
            async for found in self._conversations.find({f"{side}_id": account_id}, {"_id": 1}):
                batch.append(found["_id"])
                if len(batch) == _CONVERSATION_BATCH:
                    yield batch
                    batch = []
        if batch:
            yield batch


class BlockRepository:
    def __init__(self, database: Database) -> None:
        self._blocks = database[BLOCKS.name]

    async def add(self, block: Block) -> bool:
        """Store a block in a free slot, unless it exists. Returns False if no slot is free."""
        pair = {"owner_id": block.owner_id, "blocked_id": block.blocked_id}
        try:
            slot = await insert_with_free_number(
                self._blocks,
                lambda slot: to_document(structs.replace(block, slot=slot)),
                owner={"owner_id": block.owner_id},
                field="slot",
                limit=MAX_BLOCKS,
            )
        except DuplicateKeyError:
            return True
        return slot is not None or await self._blocks.find_one(pair, {"_id": 1}) is not None

    async def remove(self, owner_id: UUID, blocked_id: UUID) -> bool:
        """Return whether the block existed."""
        gone = await self._blocks.delete_one({"owner_id": owner_id, "blocked_id": blocked_id})
        return gone.deleted_count == 1

    async def exists_between(self, one_id: UUID, other_id: UUID, session: Session | None = None) -> bool:
        """Return whether one of two accounts has blocked the other."""
        pairs = [{"owner_id": one_id, "blocked_id": other_id}, {"owner_id": other_id, "blocked_id": one_id}]
        return await self._blocks.find_one({"$or": pairs}, {"_id": 1}, session=session) is not None

    async def filter_blocked(self, one_id: UUID, other_ids: Collection[UUID]) -> frozenset[UUID]:
        """Return the accounts among the others that have blocked the account, or that it has blocked."""
        others = {"$in": list(other_ids)}
        pairs = [{"owner_id": one_id, "blocked_id": others}, {"owner_id": others, "blocked_id": one_id}]
        found = self._blocks.find({"$or": pairs}, {"owner_id": 1, "blocked_id": 1})
        return frozenset({side async for pair in found for side in (pair["owner_id"], pair["blocked_id"])} - {one_id})

    async def list_page(self, owner_id: UUID, after: AfterBlock | None, limit: int) -> list[Block]:
        """List the blocks of an owner, the newest first."""
        query: Document = {"owner_id": owner_id, **({"_id": {"$lt": after.block_id}} if after else {})}
        found = self._blocks.find(query).sort("_id", -1).limit(limit)
        return [from_document(document, Block) async for document in found]


class MessageReportRepository:
    def __init__(self, database: Database) -> None:
        self._reports = database[REPORTS.name]

    async def add(self, report: MessageReport) -> None:
        """Store a report, unless its message was reported before."""
        await self._reports.update_one({"_id": report.id}, {"$setOnInsert": {**to_document(report)}}, upsert=True)

    async def find(self, report_id: UUID, session: Session | None = None) -> MessageReport | None:
        document = await self._reports.find_one({"_id": report_id}, session=session)
        return from_document(document, MessageReport) if document else None

    async def list_page(self, *, resolved: bool, after: AfterReport | None, limit: int) -> list[MessageReport]:
        """List the reports with or without a decision, the newest first."""
        query: Document = {"decision": {"$in": [decision.value for decision in Decision]} if resolved else None}
        if after:
            beyond = {"created_at": after.created_at, "_id": {"$lt": after.report_id}}
            query["$or"] = [{"created_at": {"$lt": after.created_at}}, beyond]
        found = self._reports.find(query).sort([("created_at", -1), ("_id", -1)]).limit(limit)
        return [from_document(document, MessageReport) async for document in found]

    async def remove_decided(self, before: datetime) -> None:
        """Delete reports that were decided before this moment."""
        decided = {"decision": {"$in": [decision.value for decision in Decision]}, "created_at": {"$lt": before}}
        await self._reports.delete_many({**decided, "resolved_at": {"$lt": before}})

    async def resolve(
        self, session: Session, report: MessageReport, fields: Mapping[str, Any], event: ReportEvent
    ) -> None:
        """Store the decision in the transaction that read the report."""
        await self._reports.update_one(
            {"_id": report.id}, {"$set": fields, "$push": {"outbox": to_document(event)}}, session=session
        )


def _erasure(now: datetime) -> Document:
    return {"$set": {"text": "", "photos": [], "deleted_at": now}, "$inc": {"version": 1}}
