"""Routes of the chat, under `/v1/bookings/…/messages`, `/v1/me` and `/v1/admin/message-reports`."""

from uuid import UUID

from sanic import Request

from grome.bookings.errors import KeyInFlight, KeyReused
from grome.chat.blocks import BlockService
from grome.chat.errors import (
    ChatBlocked,
    ChatClosed,
    ChatFull,
    MessageClosed,
    NoChat,
    NotYourMessage,
    ReportResolved,
    TooManyBlocks,
)
from grome.chat.queries import ChatQueries
from grome.chat.reports import MessageReportService
from grome.chat.schemas import (
    BlockPage,
    ConversationPage,
    MarkIn,
    MarkOut,
    MessageEdit,
    MessageIn,
    MessageOut,
    MessagePage,
    MessageReportIn,
    MessageReportOut,
    MessageReportPage,
    MessageReportQuery,
    MessageReportReceipt,
    ReportDecisionIn,
    ReportedMessages,
    UnreadOut,
)
from grome.chat.service import ChatService
from grome.common.actor import ADMINS, SIDES, Actor
from grome.common.errors import NotFound, TooManyRequests
from grome.infrastructure.http import PageQuery, Routes, resolve
from grome.uploads.errors import UploadRefused

chat = Routes("chat", "/v1", about="Messages between the two sides of a booking, with marks, blocks and reports.")

_MESSAGES = "/bookings/{booking_id}/messages"
_MESSAGE = f"{_MESSAGES}/{{message_id}}"
_REPORTS = "/admin/message-reports"


@chat.get(_MESSAGES, who=SIDES, refusals=(NotFound, NoChat))
async def list_messages(request: Request, actor: Actor, booking_id: UUID, query: PageQuery) -> MessagePage:
    """List the messages of a booking, newest first.

    With the marks of both sides and the number of your unread messages.
    """
    return await resolve(request, ChatQueries).list_page(actor, booking_id, query)


@chat.post(
    _MESSAGES,
    who=SIDES,
    status=201,
    refusals=(
        *(NotFound, NoChat, ChatClosed, ChatBlocked, ChatFull),
        *(TooManyRequests, UploadRefused, KeyReused, KeyInFlight),
    ),
)
async def send_message(request: Request, actor: Actor, booking_id: UUID, body: MessageIn) -> MessageOut:
    """Send a message to the other side of a booking.

    Both sides can write until seven days after the visit, 30 messages a minute at most. 409 `chat_closed` means that
    this time is over, 403 `chat_blocked` that one side has blocked the other. `key` makes the request safe to repeat:
    the same key and content return the first message.
    """
    return await resolve(request, ChatService).send(actor, booking_id, body)


@chat.get(_MESSAGE, who=SIDES, refusals=(NotFound,))
async def read_message(request: Request, actor: Actor, booking_id: UUID, message_id: UUID) -> MessageOut:
    """Return a message with new links to its photos.

    Live events of messages have ids of photos, and no links.
    """
    return await resolve(request, ChatQueries).get(actor, booking_id, message_id)


@chat.patch(
    _MESSAGE,
    who=SIDES,
    refusals=(NotFound, NoChat, ChatClosed, ChatBlocked, NotYourMessage, MessageClosed),
)
async def edit_message(
    request: Request, actor: Actor, booking_id: UUID, message_id: UUID, body: MessageEdit
) -> MessageOut:
    """Replace the text of your message.

    Within 15 minutes, and 20 times at most; later, the answer is 409 `message_closed`.
    """
    return await resolve(request, ChatService).edit(actor, booking_id, message_id, body)


@chat.delete(_MESSAGE, who=SIDES, status=204, refusals=(NotFound, NotYourMessage, MessageClosed))
async def delete_message(request: Request, actor: Actor, booking_id: UUID, message_id: UUID) -> None:
    """Delete your message for both sides, within 15 minutes.

    Its place stays, without text and photos.
    """
    await resolve(request, ChatService).delete(actor, booking_id, message_id)


@chat.post(f"{_MESSAGES}/read", who=SIDES, refusals=(NotFound,))
async def mark_read(request: Request, actor: Actor, booking_id: UUID, body: MarkIn) -> MarkOut:
    """Mark the messages up to and including a message as read.

    They then count as received too. Marks never move back.
    """
    return await resolve(request, ChatService).mark_read(actor, booking_id, body.message)


@chat.post(f"{_MESSAGES}/delivered", who=SIDES, refusals=(NotFound,))
async def mark_delivered(request: Request, actor: Actor, booking_id: UUID, body: MarkIn) -> MarkOut:
    """Mark the messages up to and including a message as received by your device.

    Marks never move back.
    """
    return await resolve(request, ChatService).mark_delivered(actor, booking_id, body.message)


@chat.post(f"{_MESSAGE}/report", who=SIDES, status=201, refusals=(NotFound, NotYourMessage))
async def report_message(
    request: Request, actor: Actor, booking_id: UUID, message_id: UUID, body: MessageReportIn
) -> MessageReportReceipt:
    """Report a message of the other side to the platform.

    Admins can then read this conversation. A repeat returns the first report.
    """
    return await resolve(request, MessageReportService).report(actor, booking_id, message_id, body)


@chat.get("/me/conversations", who=SIDES)
async def list_conversations(request: Request, actor: Actor, query: PageQuery) -> ConversationPage:
    """List your conversations with their newest messages, newest first."""
    return await resolve(request, ChatQueries).list_conversations(actor, query)


@chat.get("/me/unread", who=SIDES)
async def count_unread(request: Request, actor: Actor) -> UnreadOut:
    """Count your unread messages in all conversations."""
    return await resolve(request, ChatQueries).count_unread(actor)


@chat.get("/me/blocks", who=SIDES)
async def list_blocks(request: Request, actor: Actor, query: PageQuery) -> BlockPage:
    """List the accounts that you have blocked, the newest block first."""
    return await resolve(request, BlockService).list_page(actor, query)


@chat.put("/me/blocks/{account_id}", who=SIDES, status=204, refusals=(NotFound, TooManyBlocks))
async def block_account(request: Request, actor: Actor, account_id: UUID) -> None:
    """Block the other side of one of your bookings.

    Neither side can write to the other any more. 404 if you share no booking with the account, 409 `too_many_blocks`
    after 500 accounts.
    """
    await resolve(request, BlockService).put(actor, account_id)


@chat.delete("/me/blocks/{account_id}", who=SIDES, status=204, refusals=(NotFound,))
async def unblock_account(request: Request, actor: Actor, account_id: UUID) -> None:
    """End your block of an account.

    Repeating the request changes nothing.
    """
    await resolve(request, BlockService).remove(actor, account_id)


@chat.get(_REPORTS, who=ADMINS)
async def list_message_reports(request: Request, query: MessageReportQuery) -> MessageReportPage:
    """List reported messages, the newest report first."""
    return await resolve(request, MessageReportService).list_page(query)


@chat.get(f"{_REPORTS}/{{message_report_id}}/messages", who=ADMINS, refusals=(NotFound,))
async def list_reported_messages(request: Request, message_report_id: UUID, query: PageQuery) -> ReportedMessages:
    """List the messages of the conversation that a report is about, the newest first."""
    return await resolve(request, MessageReportService).list_messages(message_report_id, query)


@chat.post(f"{_REPORTS}/{{message_report_id}}/resolve", who=ADMINS, refusals=(NotFound, ReportResolved))
async def resolve_message_report(
    request: Request, actor: Actor, message_report_id: UUID, body: ReportDecisionIn
) -> MessageReportOut:
    """Dismiss a report, or delete its message for both sides.

    The decision goes to the audit trail. 409 `report_resolved` means that another decision was made before.
    """
    return await resolve(request, MessageReportService).resolve(actor, message_report_id, body)
