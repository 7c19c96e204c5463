"""The relay of events, and its subscribers."""

from collections.abc import Sequence

from grome.audit.service import AuditTrail
from grome.barbers.cache_invalidation import BarberCacheInvalidation
from grome.barbers.change_feed import BarberChangeFeed
from grome.chat.photos import PhotoCleanup
from grome.composition.projection import PROJECTION
from grome.infrastructure.container import Container, Providers
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.outbox.deferred_events import DeferredEvents
from grome.infrastructure.outbox.models import ChangeRecord
from grome.infrastructure.outbox.relay import Relay, Subscribers
from grome.infrastructure.outbox.repository import RelayRepository
from grome.infrastructure.secret_keys import Sealer, SecretKeys
from grome.notifications.planner import Planner
from grome.payments.subscriber import SettlementSubscriber
from grome.promos.redemptions import PromoRedemptions
from grome.realtime.event_data import EventData
from grome.realtime.streams import LivePublisher, StreamPublisher
from grome.tracking.service import TrackingService
from grome.tracking.subscriber import TripSubscriber
from grome.waitlist.subscriber import WaitlistSubscriber
from grome.webhooks.subscriber import WebhookSubscriber

outbox = Providers()


@outbox.provide
def subscribers(container: Container) -> Subscribers:
    get = container.get
    return Subscribers(
        {
            "live rooms": StreamPublisher(get(LivePublisher), get(EventData)),
            "audit trail": get(AuditTrail),
            "webhooks": get(WebhookSubscriber),
            "messages": Planner(get(JobQueue)),
            "waitlist": get(WaitlistSubscriber),
            "promo codes": get(PromoRedemptions),
            "payments": get(SettlementSubscriber),
            "trips": TripSubscriber(get(TrackingService)),
            "photos": get(PhotoCleanup),
        }
    )


@outbox.provide
def deferred_events(container: Container) -> DeferredEvents:
    return DeferredEvents(container.get(JobQueue), Sealer(container.get(SecretKeys), "deferred events"))


@outbox.provide
def relay(container: Container) -> Relay:
    get = container.get
    caches, waitlist = BarberCacheInvalidation(get(BarberChangeFeed)), get(WaitlistSubscriber)

    async def follow_changes(changes: Sequence[ChangeRecord]) -> None:
        await caches.handle(changes)
        await waitlist.follow_changes(changes)

    repository = RelayRepository(container.database)
    return Relay(repository, PROJECTION, get(Subscribers), follow_changes, get(DeferredEvents), container.clock)
