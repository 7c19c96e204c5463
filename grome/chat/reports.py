"""Report messages to admins, and decide about reports."""

from uuid import UUID

from grome.chat.access import side_of
from grome.chat.errors import NotYourMessage, ReportResolved
from grome.chat.models import Decision, Message, MessageReport, ReportEvent, report_id_of
from grome.chat.photos import MessagePhotos
from grome.chat.queries import ChatQueries
from grome.chat.repository import AfterReport, MessageReportRepository, MessageRepository
from grome.chat.schemas import (
    MessageReportIn,
    MessageReportOut,
    MessageReportPage,
    MessageReportQuery,
    MessageReportReceipt,
    ReportDecisionIn,
    ReportedMessages,
    report_out,
)
from grome.chat.service import ChatService
from grome.common.actor import Actor
from grome.common.clock import Clock, to_utc
from grome.common.errors import NotFound
from grome.common.ids import new_id
from grome.common.origin import origin_by
from grome.infrastructure.http import PageQuery, cut_page, decode_cursor
from grome.infrastructure.mongo.transactions import Transaction, Transactions
from grome.infrastructure.outbox.models import EventType


class MessageReportService:
    def __init__(
        self,
        reports: MessageReportRepository,
        messages: MessageRepository,
        chat: tuple[ChatService, ChatQueries],
        photos: MessagePhotos,
        transactions: Transactions,
        clock: Clock,
    ) -> None:
        self._reports, self._messages, self._photos = reports, messages, photos
        self._chat, self._queries = chat
        self._transactions, self._clock = transactions, clock

    async def report(
        self, actor: Actor, booking_id: UUID, message_id: UUID, body: MessageReportIn
    ) -> MessageReportReceipt:
        """Report a message of the other side. A repeat returns the first report.

        Raises NotFound, or NotYourMessage for the actor's own message.
        """
        message = await self._get_received(actor, booking_id, message_id)
        report = MessageReport(
            id=report_id_of(message.id),
            booking_id=message.booking_id,
            message_id=message.id,
            reporter_id=actor.id,
            sender_id=message.sender_id,
            reason=body.reason,
            text=message.text,
            photos=message.photos,
            created_at=self._clock(),
        )
        await self._reports.add(report)
        stored = await self._get(report.id)
        return MessageReportReceipt(stored.id, stored.created_at)

    async def list_page(self, query: MessageReportQuery) -> MessageReportPage:
        after = decode_cursor(query.cursor, AfterReport)
        if after:  # a cursor is client input
            after = AfterReport(to_utc(after.created_at, "cursor"), after.report_id)
        found = await self._reports.list_page(resolved=query.resolved, after=after, limit=query.limit + 1)
        page, next_cursor = cut_page(found, query.limit, lambda row: AfterReport(row.created_at, row.id))
        links = await self._photos.links({photo for report in page for photo in report.photos})
        return MessageReportPage([report_out(report, links) for report in page], next_cursor)

    async def list_messages(self, report_id: UUID, query: PageQuery) -> ReportedMessages:
        """Return a page of the conversation that a report is about. Raises NotFound."""
        report = await self._get(report_id)
        return ReportedMessages(*await self._queries.list_messages(report.booking_id, query))

    async def resolve(self, actor: Actor, report_id: UUID, body: ReportDecisionIn) -> MessageReportOut:
        """Decide about a report, and delete its message if the decision says so.

        The same decision again changes nothing. Raises NotFound or ReportResolved.
        """
        booking_id = (await self._get(report_id)).booking_id

        async def resolve(transaction: Transaction) -> None:
            report = await self._get(report_id, transaction)
            if report.decision is body.decision:
                return
            if report.decision:
                raise ReportResolved
            if body.decision is Decision.REMOVED:
                await self._chat.remove(transaction, booking_id, report.message_id, actor.id)
            now = self._clock()
            reason = f"{body.decision}: {body.note}"
            event = ReportEvent(
                new_id(), 1, EventType.MESSAGE_REPORT_RESOLVED, actor.id, reason, now, origin_by(actor.id)
            )
            fields = {"decision": body.decision.value, "note": body.note, "resolved_by": actor.id, "resolved_at": now}
            await self._reports.resolve(transaction.session, report, fields, event)

        await self._transactions.run(booking_id, resolve)
        report = await self._get(report_id)
        return report_out(report, await self._photos.links(report.photos))

    async def _get(self, report_id: UUID, transaction: Transaction | None = None) -> MessageReport:
        report = await self._reports.find(report_id, transaction.session if transaction else None)
        if report is None:
            raise NotFound
        return report

    async def _get_received(self, actor: Actor, booking_id: UUID, message_id: UUID) -> Message:
        side_of(actor)
        message = await self._messages.find(booking_id, message_id)
        if message is None or actor.id not in {message.customer_id, message.barber_id}:
            raise NotFound
        if message.sender_id == actor.id:
            raise NotYourMessage
        return message
