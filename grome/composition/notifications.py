"""Messages to people: planned, rendered and sent."""

from grome.accounts.preferences import PreferenceService
from grome.accounts.service import AccountService
from grome.barbers.service import BarberService
from grome.bookings.queries import BookingQueries
from grome.chat.queries import ChatQueries
from grome.codes.service import Codes
from grome.infrastructure.container import Container, Providers
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.mongo.budgets import Budgets
from grome.infrastructure.secret_keys import SecretKeys
from grome.notifications.account_contexts import AccountContexts
from grome.notifications.budgets import MessageBudgets
from grome.notifications.chat_contexts import ChatContexts
from grome.notifications.context_loader import ContextLoader
from grome.notifications.delivery import Deliverer, Transports
from grome.notifications.delivery_log import NotificationLog
from grome.notifications.dispatcher import Dispatcher
from grome.notifications.email.folder import open_mailbox
from grome.notifications.email.smtp import SmtpMailer
from grome.notifications.payment_contexts import PaymentContexts
from grome.notifications.people_names import PeopleNames
from grome.notifications.push import open_pusher
from grome.notifications.push_devices import PushDevices
from grome.notifications.recipients import Recipients
from grome.notifications.reminders import Reminders
from grome.notifications.repository import NotificationRepository, PushDeviceRepository, ReminderMarks
from grome.notifications.sender import MessageSender
from grome.notifications.sms import open_sms
from grome.notifications.unsubscribe import UnsubscribeLinks, UnsubscribeService
from grome.notifications.verification_contexts import VerificationContexts
from grome.payments.queries import PaymentQueries
from grome.realtime.presence_leases import PresenceLeases
from grome.receipts.links import ReceiptLinks
from grome.reviews.service import ReviewService
from grome.verification.service import VerificationService
from grome.webhooks.service import WebhookService

notifications = Providers()


@notifications.provide
def message_budgets(container: Container) -> MessageBudgets:
    return MessageBudgets(container.get(Budgets), container.settings.mail)


@notifications.provide
def transports(container: Container) -> Transports:
    settings, clock = container.settings, container.clock
    pusher = open_pusher(settings, clock)
    container.close_with(pusher.aclose)
    sms = open_sms(settings, clock)
    container.close_with(sms.aclose)
    mailer = SmtpMailer(settings.mail) if settings.mail.transport == "smtp" else open_mailbox(settings)
    return Transports(mailer, pusher, sms)


@notifications.provide
def push_device_repository(container: Container) -> PushDeviceRepository:
    return PushDeviceRepository(container.database)


@notifications.provide
def push_devices(container: Container) -> PushDevices:
    return PushDevices(container.get(PushDeviceRepository), container.get(AccountService), container.clock)


@notifications.provide
def notification_log(container: Container) -> NotificationLog:
    return NotificationLog(NotificationRepository(container.database), container.clock)


@notifications.provide
def unsubscribe_links(container: Container) -> UnsubscribeLinks:
    return UnsubscribeLinks(container.get(SecretKeys), container.settings.http.api_base)


@notifications.provide
def unsubscribe(container: Container) -> UnsubscribeService:
    return UnsubscribeService(container.get(UnsubscribeLinks), container.get(PreferenceService))


@notifications.provide
def recipients(container: Container) -> Recipients:
    get = container.get
    return Recipients(get(AccountService), get(PushDevices), trial=container.settings.sms.unverified)


@notifications.provide
def people_names(container: Container) -> PeopleNames:
    return PeopleNames(container.get(AccountService), container.get(BarberService))


@notifications.provide
def payment_contexts(container: Container) -> PaymentContexts:
    get = container.get
    return PaymentContexts(
        get(PaymentQueries),
        get(BookingQueries),
        get(PeopleNames),
        get(ReceiptLinks),
        container.settings.http.app_base,
    )


@notifications.provide
def chat_contexts(container: Container) -> ChatContexts:
    get = container.get
    is_online = get(PresenceLeases).has_connection
    return ChatContexts(get(ChatQueries), get(PeopleNames), is_online, container.settings.http.app_base)


@notifications.provide
def account_contexts(container: Container) -> AccountContexts:
    get = container.get
    return AccountContexts(get(AccountService), get(Codes), container.settings.http.app_base)


@notifications.provide
def verification_contexts(container: Container) -> VerificationContexts:
    return VerificationContexts(container.get(VerificationService), container.settings.http.app_base)


@notifications.provide
def context_loader(container: Container) -> ContextLoader:
    get = container.get
    return ContextLoader(
        get(PeopleNames),
        get(BookingQueries),
        get(ReviewService),
        get(WebhookService),
        (get(PaymentContexts), get(ChatContexts), get(AccountContexts), get(VerificationContexts)),
        container.settings.http.app_base,
        container.clock,
    )


@notifications.provide
def dispatcher(container: Container) -> Dispatcher:
    get = container.get
    return Dispatcher(get(Recipients), get(ContextLoader), get(NotificationLog), get(JobQueue), container.clock)


@notifications.provide
def message_sender(container: Container) -> MessageSender:
    get = container.get
    return MessageSender(
        get(Recipients),
        get(ContextLoader),
        get(NotificationLog),
        get(PushDevices),
        Deliverer(get(Transports), get(UnsubscribeLinks)),
        get(MessageBudgets),
        container.clock,
    )


@notifications.provide
def reminders(container: Container) -> Reminders:
    get = container.get
    return Reminders(get(BookingQueries), ReminderMarks(container.database), get(JobQueue), container.clock)
