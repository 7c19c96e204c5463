"""What follows from events: the relay and those who follow it, messages and webhooks."""

from collections.abc import Mapping, Sequence
from functools import cached_property

from grome.audit.repository import AuditRepository
from grome.audit.service import AuditTrail
from grome.barbers.cache_invalidation import BarberCacheInvalidation
from grome.composition.projection import PROJECTION
from grome.composition.visits import Visits
from grome.infrastructure.outbox.models import ChangeRecord
from grome.infrastructure.outbox.relay import Relay, Subscriber
from grome.infrastructure.outbox.repository import RelayRepository
from grome.notifications.budgets import MessageBudgets
from grome.notifications.context_loader import ContextLoader
from grome.notifications.delivery import Deliverer, Transports
from grome.notifications.delivery_log import NotificationLog
from grome.notifications.dispatcher import Dispatcher
from grome.notifications.email.folder import open_mailbox
from grome.notifications.email.message import Mailer
from grome.notifications.email.smtp import SmtpMailer
from grome.notifications.endpoint_notices import EndpointNotices
from grome.notifications.planner import Planner
from grome.notifications.push import open_pusher
from grome.notifications.push_devices import PushDevices
from grome.notifications.recipients import Recipients
from grome.notifications.reminders import Reminders
from grome.notifications.repository import NotificationRepository, ReminderMarks
from grome.notifications.sender import MessageSender
from grome.notifications.sms import open_sms
from grome.notifications.unsubscribe import UnsubscribeLinks, UnsubscribeService
from grome.realtime.streams import StreamPublisher
from grome.waitlist.subscriber import WaitlistSubscriber
from grome.webhooks.delivery import WebhookDeliverer
from grome.webhooks.health import EndpointHealth
from grome.webhooks.repository import DeliveryRepository, EndpointRepository
from grome.webhooks.sender import WebhookSender
from grome.webhooks.service import WebhookService
from grome.webhooks.signing import SecretSealer
from grome.webhooks.ssrf_guard import SystemResolver
from grome.webhooks.subscriber import WebhookSubscriber


class Effects(Visits):
    @cached_property
    def followers(self) -> Mapping[str, Subscriber]:
        return {
            "live rooms": StreamPublisher(self.redis, self.namespace),
            "audit trail": self.audit,
            "webhooks": WebhookSubscriber(*self._stored_webhooks, self.bookings, self.jobs, self.clock),
            "messages": Planner(self.jobs),
            "waitlist": self._waitlist_follower,
            "promo codes": self.promo_redemptions,
        }

    @cached_property
    def relay(self) -> Relay:
        return Relay(
            RelayRepository(self.database), PROJECTION, self.followers, self._follow_changes, self.jobs, self.clock
        )

    async def _follow_changes(self, changes: Sequence[ChangeRecord]) -> None:
        await BarberCacheInvalidation(self.barber_changes).handle(changes)
        await self._waitlist_follower.follow_changes(changes)

    @cached_property
    def _waitlist_follower(self) -> WaitlistSubscriber:
        return WaitlistSubscriber(self.jobs, self.clock)

    @cached_property
    def audit(self) -> AuditTrail:
        return AuditTrail(AuditRepository(self.database))

    @cached_property
    def _stored_webhooks(self) -> tuple[EndpointRepository, DeliveryRepository]:
        return EndpointRepository(self.database), DeliveryRepository(self.database)

    @cached_property
    def _secret_sealer(self) -> SecretSealer:
        return SecretSealer(self.settings.accounts.signing_key)

    @cached_property
    def webhooks(self) -> WebhookService:
        private_addresses = self.settings.webhooks.private_addresses
        return WebhookService(
            *self._stored_webhooks,
            self._secret_sealer,
            self.jobs,
            self.budgets,
            self.clock,
            private_addresses=private_addresses,
        )

    @cached_property
    def webhook_deliverer(self) -> WebhookDeliverer:
        resolver = SystemResolver()
        self._stack.callback(resolver.close)
        sender = WebhookSender(self.settings.webhooks, resolver)
        self._close_by(sender.close)
        endpoints, deliveries = self._stored_webhooks
        notices = EndpointNotices(self.jobs)
        health = EndpointHealth(endpoints, self.settings.webhooks.timeout_s, notices.notify_owner, self.clock)
        return WebhookDeliverer(endpoints, deliveries, self._secret_sealer, sender, self.clock, health)

    @cached_property
    def message_budgets(self) -> MessageBudgets:
        return MessageBudgets(self.budgets, self.settings.mail)

    @cached_property
    def mailer(self) -> Mailer:
        return SmtpMailer(self.settings.mail) if self.settings.mail.transport == "smtp" else open_mailbox(self.settings)

    @cached_property
    def transports(self) -> Transports:
        pusher, sms = open_pusher(self.settings, self.clock), open_sms(self.settings, self.clock)
        self._close_by(pusher.aclose)
        self._close_by(sms.aclose)
        return Transports(self.mailer, pusher, sms)

    @cached_property
    def push_devices(self) -> PushDevices:
        return PushDevices(self.stored_push_devices, self.accounts, self.clock)

    @cached_property
    def notification_log(self) -> NotificationLog:
        return NotificationLog(NotificationRepository(self.database), self.clock)

    @cached_property
    def _unsubscribe_links(self) -> UnsubscribeLinks:
        return UnsubscribeLinks(self.settings.accounts.signing_key, self.settings.http.api_base)

    @cached_property
    def unsubscribe(self) -> UnsubscribeService:
        return UnsubscribeService(self._unsubscribe_links, self.preferences)

    @cached_property
    def _recipients(self) -> Recipients:
        return Recipients(self.accounts, self.push_devices, trial=self.settings.sms.unverified)

    @cached_property
    def context_loader(self) -> ContextLoader:
        app_base = self.settings.http.app_base
        return ContextLoader(
            self.accounts, self.bookings, self.barbers, self.reviews, self.webhooks, app_base, self.clock
        )

    @cached_property
    def dispatcher(self) -> Dispatcher:
        return Dispatcher(self._recipients, self.context_loader, self.notification_log, self.jobs, self.clock)

    @cached_property
    def message_sender(self) -> MessageSender:
        delivery = Deliverer(self.transports, self._unsubscribe_links)
        log, devices, budgets = self.notification_log, self.push_devices, self.message_budgets
        return MessageSender(self._recipients, self.context_loader, log, devices, delivery, budgets, self.clock)

    @cached_property
    def reminders(self) -> Reminders:
        return Reminders(self.bookings, ReminderMarks(self.database), self.jobs, self.clock)
