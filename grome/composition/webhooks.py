"""Webhook endpoints and the delivery of events to them."""

from grome.bookings.queries import BookingQueries
from grome.infrastructure.container import Container, Providers
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.mongo.budgets import Budgets
from grome.infrastructure.secret_keys import SecretKeys
from grome.notifications.endpoint_notices import EndpointNotices
from grome.payments.queries import PaymentQueries
from grome.webhooks.delivery import WebhookDeliverer
from grome.webhooks.health import EndpointHealth
from grome.webhooks.repository import DeliveryRepository, EndpointRepository
from grome.webhooks.sender import WebhookSender
from grome.webhooks.service import WebhookService
from grome.webhooks.signing import SecretSealer
from grome.webhooks.ssrf_guard import SystemResolver
from grome.webhooks.subscriber import WebhookSubscriber

webhooks = Providers()


@webhooks.provide
def endpoint_repository(container: Container) -> EndpointRepository:
    return EndpointRepository(container.database)


@webhooks.provide
def delivery_repository(container: Container) -> DeliveryRepository:
    return DeliveryRepository(container.database)


@webhooks.provide
def secret_sealer(container: Container) -> SecretSealer:
    return SecretSealer(container.get(SecretKeys))


@webhooks.provide
def webhook_service(container: Container) -> WebhookService:
    get = container.get
    return WebhookService(
        get(EndpointRepository),
        get(DeliveryRepository),
        get(SecretSealer),
        get(JobQueue),
        get(Budgets),
        container.clock,
        private_addresses=container.settings.webhooks.private_addresses,
    )


@webhooks.provide
def webhook_subscriber(container: Container) -> WebhookSubscriber:
    get = container.get
    return WebhookSubscriber(
        get(EndpointRepository),
        get(DeliveryRepository),
        get(BookingQueries),
        get(PaymentQueries),
        get(JobQueue),
        container.clock,
    )


@webhooks.provide
def webhook_deliverer(container: Container) -> WebhookDeliverer:
    get, settings, clock = container.get, container.settings.webhooks, container.clock
    resolver = SystemResolver()
    container.close_with(resolver.close)
    sender = WebhookSender(settings, resolver)
    container.close_with(sender.close)
    endpoints, notices = get(EndpointRepository), EndpointNotices(get(JobQueue))
    health = EndpointHealth(endpoints, settings.timeout_s, notices.notify_owner, clock)
    return WebhookDeliverer(endpoints, get(DeliveryRepository), get(SecretSealer), sender, clock, health)
