"""Messages between the two sides of a booking."""

from grome.accounts.service import AccountService
from grome.barbers.service import BarberService
from grome.bookings.queries import BookingQueries
from grome.chat.access import ChatAccess
from grome.chat.blocks import BlockService
from grome.chat.photos import MessagePhotos, PhotoCleanup
from grome.chat.queries import ChatQueries
from grome.chat.reports import MessageReportService
from grome.chat.repository import (
    BlockRepository,
    ConversationRepository,
    MessageReportRepository,
    MessageRepository,
)
from grome.chat.service import ChatService
from grome.infrastructure.container import Container, Providers
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.mongo.transactions import Transactions
from grome.uploads.service import UploadService

chat = Providers()


@chat.provide
def conversation_repository(container: Container) -> ConversationRepository:
    return ConversationRepository(container.database)


@chat.provide
def message_repository(container: Container) -> MessageRepository:
    return MessageRepository(container.database)


@chat.provide
def block_repository(container: Container) -> BlockRepository:
    return BlockRepository(container.database)


@chat.provide
def message_report_repository(container: Container) -> MessageReportRepository:
    return MessageReportRepository(container.database)


@chat.provide
def chat_access(container: Container) -> ChatAccess:
    return ChatAccess(container.get(BookingQueries), container.get(BlockRepository), container.clock)


@chat.provide
def message_photos(container: Container) -> MessagePhotos:
    return MessagePhotos(container.get(UploadService))


@chat.provide
def photo_cleanup(container: Container) -> PhotoCleanup:
    get = container.get
    return PhotoCleanup(get(MessageRepository), get(MessageReportRepository), get(UploadService), get(JobQueue))


@chat.provide
def chat_service(container: Container) -> ChatService:
    get = container.get
    return ChatService(
        get(ConversationRepository),
        get(MessageRepository),
        get(ChatAccess),
        get(MessagePhotos),
        get(Transactions),
        container.clock,
    )


@chat.provide
def chat_queries(container: Container) -> ChatQueries:
    get = container.get
    return ChatQueries(
        get(ConversationRepository),
        get(MessageRepository),
        get(BlockRepository),
        get(ChatAccess),
        (get(AccountService), get(BarberService)),
        get(MessagePhotos),
    )


@chat.provide
def blocks(container: Container) -> BlockService:
    get = container.get
    return BlockService(get(BlockRepository), get(BookingQueries), get(AccountService), container.clock)


@chat.provide
def message_reports(container: Container) -> MessageReportService:
    get = container.get
    return MessageReportService(
        get(MessageReportRepository),
        get(MessageRepository),
        (get(ChatService), get(ChatQueries)),
        get(MessagePhotos),
        get(Transactions),
        container.clock,
    )
