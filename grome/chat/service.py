"""Send, change and mark messages.

Each change of a conversation is one transaction that reads the conversation and writes it. So numbers have no gaps, and
counts and marks are exact, whichever requests meet.
"""

from uuid import UUID

from grome.bookings.errors import KeyInFlight, KeyReused
from grome.chat.access import ChatAccess, side_of
from grome.chat.errors import MessageClosed, NotYourMessage
from grome.chat.models import MAX_EDITS, Mark, Message, MessageEvent, Side, message_id_of
from grome.chat.photos import MessagePhotos
from grome.chat.repository import ConversationRepository, MessageExistsError, MessageRepository
from grome.chat.rules import Seat, count_message, move_mark
from grome.chat.schemas import MarkOut, MessageEdit, MessageIn, MessageOut, message_out
from grome.common.actor import Actor
from grome.common.clock import Clock
from grome.common.errors import ApiError, Invalid, NotFound
from grome.common.ids import new_id
from grome.infrastructure.idempotency import fingerprint_of
from grome.infrastructure.mongo.access import visible_to
from grome.infrastructure.mongo.transactions import Transaction, Transactions
from grome.infrastructure.outbox.models import EventType


class ChatService:
    def __init__(
        self,
        conversations: ConversationRepository,
        messages: MessageRepository,
        access: ChatAccess,
        photos: MessagePhotos,
        transactions: Transactions,
        clock: Clock,
    ) -> None:
        self._conversations, self._messages, self._access = conversations, messages, access
        self._photos, self._transactions, self._clock = photos, transactions, clock

    async def send(self, actor: Actor, booking_id: UUID, body: MessageIn) -> MessageOut:
        """Store a message; returns when a majority of the replica set has it. A repeat returns the first message.

        Raises NotFound, NoChat, ChatClosed, ChatBlocked, ChatFull, TooManyRequests, UploadRefused, KeyReused,
        KeyInFlight or Invalid.
        """
        _require_content(body.text, body.photos)
        if len(set(body.photos)) < len(body.photos):
            raise Invalid("photos", "names an upload twice")
        seat = await self._access.get_seat(actor, booking_id)
        try:
            message = await self._send(actor, seat, body)
        except (ApiError, MessageExistsError) as refusal:
            # The first message counts if the repeat is refused for any reason.
            message = await self._first_message(actor, booking_id, body, refusal)
        return await self._present(message)

    async def _send(self, actor: Actor, seat: Seat, body: MessageIn) -> Message:
        message_id, fingerprint = message_id_of(actor.id, body.key), fingerprint_of(body, seat.booking_id.bytes)
        if body.photos:
            await self._claim_photos(actor, seat, message_id, body.photos)

        async def store(transaction: Transaction) -> Message:
            session = transaction.session
            await self._access.require_writable(seat, session)
            before = await self._conversations.find(visible_to(actor), seat.booking_id, session)
            now = self._clock()
            after = count_message(before, seat, message_id, now)
            message = Message(
                id=message_id,
                booking_id=seat.booking_id,
                customer_id=seat.customer_id,
                barber_id=seat.barber_id,
                sender_id=actor.id,
                number=after.last_number,
                number_of_sender=after.side(seat.party).sent,
                fingerprint=fingerprint,
                text=body.text,
                photos=body.photos,
                created_at=after.latest_at,
                outbox=[MessageEvent(new_id(), after.version, EventType.MESSAGE_SENT, actor.id, now)],
            )
            await self._messages.insert(session, message)
            if before is None:
                await self._conversations.insert(session, after)
            else:
                await self._conversations.update(session, after)
            return message

        return await self._transactions.run(seat.booking_id, store)

    async def _claim_photos(self, actor: Actor, seat: Seat, message_id: UUID, photos: list[UUID]) -> None:
        """Claim the photos of a message, unless the message would be refused: a claimed photo is kept."""
        await self._access.require_writable(seat)
        count_message(
            await self._conversations.find(visible_to(actor), seat.booking_id), seat, message_id, self._clock()
        )
        await self._photos.claim(actor, message_id, photos)

    async def _first_message(
        self, actor: Actor, booking_id: UUID, body: MessageIn, refusal: ApiError | MessageExistsError
    ) -> Message:
        """Return the message of the first request as it is now, else raise the refusal of the repeat.

        Raises KeyInFlight or KeyReused.
        """
        message = await self._messages.find_committed(message_id_of(actor.id, body.key))
        if message is None:
            if isinstance(refusal, MessageExistsError):  # no majority has acknowledged it yet
                raise KeyInFlight from None
            raise refusal
        if message.fingerprint != fingerprint_of(body, booking_id.bytes):
            raise KeyReused from None
        return message

    async def edit(self, actor: Actor, booking_id: UUID, message_id: UUID, body: MessageEdit) -> MessageOut:
        """Replace the text of the actor's own message, within 15 minutes. The same text changes nothing.

        Raises NotFound, NoChat, ChatClosed, ChatBlocked, NotYourMessage, MessageClosed or Invalid.
        """
        seat = await self._access.get_seat(actor, booking_id)

        async def edit(transaction: Transaction) -> None:
            await self._access.require_writable(seat, transaction.session)
            message = await self._get_own(actor, booking_id, message_id, transaction)
            _require_content(body.text, message.photos)
            self._check_editable(message)
            if message.deleted_at or len(message.outbox) > MAX_EDITS:
                raise MessageClosed
            if message.text != body.text:
                fields = {"text": body.text, "edited_at": self._clock()}
                await self._change(transaction, message, fields, EventType.MESSAGE_EDITED, actor.id)

        await self._transactions.run(booking_id, edit)
        return await self._present(await self._get(booking_id, message_id))

    async def delete(self, actor: Actor, booking_id: UUID, message_id: UUID) -> None:
        """Delete the text and photos of the actor's own message, within 15 minutes. A repeat changes nothing.

        Raises NotFound, NotYourMessage or MessageClosed.
        """
        side_of(actor)

        async def delete(transaction: Transaction) -> None:
            message = await self._get_own(actor, booking_id, message_id, transaction)
            if message.deleted_at is None:
                self._check_editable(message)
            await self.remove(transaction, booking_id, message_id, actor.id)

        await self._transactions.run(booking_id, delete)

    async def remove(self, transaction: Transaction, booking_id: UUID, message_id: UUID, actor_id: UUID) -> None:
        """Leave a tombstone of the message, unless it is one, as part of a transaction. Raises NotFound."""
        message = await self._get(booking_id, message_id, transaction)
        if message.deleted_at is None:
            fields = {"text": "", "photos": [], "deleted_at": self._clock()}
            await self._change(transaction, message, fields, EventType.MESSAGE_DELETED, actor_id)

    async def mark_read(self, actor: Actor, booking_id: UUID, message_id: UUID) -> MarkOut:
        """Mark the messages up to `message_id` as read, and so as delivered. An older message changes nothing.

        Raises NotFound.
        """
        return await self._mark(actor, booking_id, message_id, EventType.MESSAGE_READ)

    async def mark_delivered(self, actor: Actor, booking_id: UUID, message_id: UUID) -> MarkOut:
        """Mark the messages up to `message_id` as delivered. An older message changes nothing. Raises NotFound."""
        return await self._mark(actor, booking_id, message_id, EventType.MESSAGE_DELIVERED)

    async def may_type(self, actor: Actor, booking_id: UUID) -> UUID:
        """Return the account of the other side. Raises NotFound, NoChat, ChatClosed or ChatBlocked."""
        seat = await self._access.get_seat(actor, booking_id)
        await self._access.require_writable(seat)
        return seat.other_id

    async def _mark(self, actor: Actor, booking_id: UUID, message_id: UUID, kind: EventType) -> MarkOut:
        party, scope, is_read = side_of(actor), visible_to(actor), kind is EventType.MESSAGE_READ
        conversation = await self._conversations.find(scope, booking_id)
        if conversation is None:
            raise NotFound
        message = await self._get(booking_id, message_id)

        async def store(transaction: Transaction) -> Side:
            before = await self._conversations.find(scope, booking_id, transaction.session) or conversation
            after = move_mark(before, party, message, is_read=is_read)
            if after is None:
                return before.side(party)
            mark = Mark(new_id(), after.version, kind, actor.id, message.id, self._clock())
            await self._conversations.update(transaction.session, after, mark)
            return after.side(party)

        if move_mark(conversation, party, message, is_read=is_read):
            side = await self._transactions.run(booking_id, store)
        else:
            side = conversation.side(party)
        return MarkOut(side.delivered, side.read, side.unread)

    async def _change(
        self, transaction: Transaction, message: Message, fields: dict[str, object], kind: EventType, actor_id: UUID
    ) -> None:
        """Change a message under the next version of its conversation."""
        version = await self._conversations.next_version(transaction.session, message.booking_id)
        event = MessageEvent(new_id(), version, kind, actor_id, self._clock())
        await self._messages.update(transaction.session, message, fields, event)

    async def _get(self, booking_id: UUID, message_id: UUID, transaction: Transaction | None = None) -> Message:
        message = await self._messages.find(booking_id, message_id, transaction.session if transaction else None)
        if message is None:
            raise NotFound
        return message

    async def _get_own(self, actor: Actor, booking_id: UUID, message_id: UUID, transaction: Transaction) -> Message:
        """Return a message that the actor has sent. Raises NotFound, or NotYourMessage for the other side's message."""
        message = await self._get(booking_id, message_id, transaction)
        if actor.id not in {message.customer_id, message.barber_id}:
            raise NotFound
        if actor.id != message.sender_id:
            raise NotYourMessage
        return message

    def _check_editable(self, message: Message) -> None:
        if self._clock() >= message.editable_until:
            raise MessageClosed

    async def _present(self, message: Message) -> MessageOut:
        return message_out(message, await self._photos.links(message.photos))


def _require_content(text: str, photos: list[UUID]) -> None:
    if not text and not photos:
        raise Invalid("text", "is required without `photos`")
