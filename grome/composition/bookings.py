"""Bookings from the first quote to the last change, by one person or by the dozen."""

from datetime import timedelta
from typing import Final

from config.settings import Settings
from grome.any_barber.service import AnyBarberService
from grome.availability.service import AvailabilityService
from grome.barbers.service import BarberService
from grome.bookings.booking_store import BookingStore, ClaimingBookingStore, IndexedBookingStore
from grome.bookings.create import BookingCreator
from grome.bookings.drafts import PlatformTerms
from grome.bookings.key_claims.repository import KeyClaimRepository
from grome.bookings.key_claims.service import KeyClaims
from grome.bookings.key_indexes import KeyIndexes
from grome.bookings.lifecycle import BookingLifecycle
from grome.bookings.payment_projection import PaymentProjector
from grome.bookings.queries import BookingQueries
from grome.bookings.rebook import Rebooker
from grome.bookings.repository import BookingRepository
from grome.bookings.reschedule import Rescheduler
from grome.bookings.running_late import DelayShifter
from grome.bookings.tips_and_notes import TipsAndNotes
from grome.bookings.undo import TransitionUndo
from grome.bookings.updates import BookingUpdater
from grome.catalogue.service import CatalogueService
from grome.infrastructure.container import Container, Providers
from grome.infrastructure.mongo.budgets import Budgets
from grome.infrastructure.mongo.group_commit import GroupCommit
from grome.infrastructure.mongo.transactions import Transactions
from grome.nearby.service import NearbyService
from grome.promos.redemptions import PromoRedemptions
from grome.promos.repository import PromoRepository, PromoUseRepository
from grome.promos.service import PromoService
from grome.quotes.repository import QuoteRepository
from grome.quotes.service import QuoteService
from grome.series.bulk_changes import SeriesBulkChanges
from grome.series.repository import SeriesRepository
from grome.series.service import SeriesService

bookings = Providers()
_SHORTEST_LEASE: Final = timedelta(minutes=1)


def answer_within(settings: Settings) -> timedelta:
    """How long a request waits for its barber."""
    return timedelta(minutes=settings.bookings.answer_within_min)


def platform_terms(settings: Settings) -> PlatformTerms:
    """Return the terms of new bookings; deposits are charged if there is an account at Stripe."""
    within = timedelta(minutes=settings.payments.deposit_within_min)
    return PlatformTerms(
        answer_within(settings), within if settings.stripe.secret_key else None, settings.payments.commission_bp
    )


def key_lease(settings: Settings) -> timedelta:
    """Return the lease of a claim on an Idempotency-Key: far longer than the driver tries a write."""
    return max(_SHORTEST_LEASE, 12 * timedelta(milliseconds=settings.mongo.timeout_ms))


@bookings.provide
def booking_repository(container: Container) -> BookingRepository:
    return BookingRepository(container.database)


@bookings.provide
def booking_queries(container: Container) -> BookingQueries:
    return BookingQueries(container.get(BookingRepository), container.clock)


@bookings.provide
def booking_updater(container: Container) -> BookingUpdater:
    return BookingUpdater(container.get(BookingRepository), container.clock)


@bookings.provide
def booking_lifecycle(container: Container) -> BookingLifecycle:
    get = container.get
    return BookingLifecycle(
        get(BookingRepository),
        get(BookingUpdater),
        get(BarberService),
        platform_terms(container.settings),
        container.clock,
    )


@bookings.provide
def transition_undo(container: Container) -> TransitionUndo:
    get = container.get
    return TransitionUndo(get(BookingRepository), get(BookingUpdater), get(BookingLifecycle), get(BarberService))


@bookings.provide
def booking_store(container: Container) -> BookingStore:
    repository, settings = container.get(BookingRepository), container.settings
    together = GroupCommit(repository.insert, repository.insert_many)
    insert = together.insert if settings.bookings.group_commit else repository.insert
    if settings.mongo.sharded_bookings:
        return ClaimingBookingStore(repository, insert, _key_claims(container))
    return IndexedBookingStore(repository, insert)


def _key_claims(container: Container) -> KeyClaims:
    claims, settings = KeyClaimRepository(container.database), container.settings
    together = GroupCommit(claims.insert, claims.insert_many)
    insert = together.insert if settings.bookings.group_commit else claims.insert
    return KeyClaims(claims, insert, key_lease(settings), container.clock)


@bookings.provide
def key_indexes(container: Container) -> KeyIndexes:
    return KeyIndexes(container.database, container.clock)


@bookings.provide
def booking_creator(container: Container) -> BookingCreator:
    get = container.get
    return BookingCreator(
        get(BookingRepository),
        get(BookingStore),
        get(BarberService),
        get(BookingLifecycle),
        get(PromoRedemptions),
        platform_terms(container.settings),
        container.clock,
    )


@bookings.provide
def booking_extras(container: Container) -> TipsAndNotes:
    return TipsAndNotes(container.get(BookingRepository), container.get(BookingUpdater))


@bookings.provide
def payment_projector(container: Container) -> PaymentProjector:
    return PaymentProjector(container.get(BookingRepository), container.get(BookingUpdater))


@bookings.provide
def rebooker(container: Container) -> Rebooker:
    get = container.get
    return Rebooker(get(BookingUpdater), get(BarberService), get(BookingCreator))


@bookings.provide
def rescheduler(container: Container) -> Rescheduler:
    get = container.get
    return Rescheduler(
        get(BookingRepository),
        get(BookingUpdater),
        get(BookingLifecycle),
        get(BarberService),
        answer_within(container.settings),
        container.clock,
    )


@bookings.provide
def running_late(container: Container) -> DelayShifter:
    get = container.get
    return DelayShifter(
        get(BookingRepository), get(BookingUpdater), get(Rescheduler), get(BarberService), container.clock
    )


@bookings.provide
def quotes(container: Container) -> QuoteService:
    get = container.get
    return QuoteService(
        QuoteRepository(container.database),
        get(BookingCreator),
        get(BarberService),
        get(PromoRedemptions),
        get(Budgets),
        container.clock,
    )


@bookings.provide
def any_barber(container: Container) -> AnyBarberService:
    get = container.get
    return AnyBarberService(get(NearbyService), get(BarberService), get(AvailabilityService), get(BookingCreator))


@bookings.provide
def series_repository(container: Container) -> SeriesRepository:
    return SeriesRepository(container.database)


@bookings.provide
def series(container: Container) -> SeriesService:
    get = container.get
    return SeriesService(get(SeriesRepository), get(BookingCreator), get(BookingQueries), get(Budgets), container.clock)


@bookings.provide
def series_bulk_changes(container: Container) -> SeriesBulkChanges:
    get = container.get
    return SeriesBulkChanges(
        get(SeriesRepository), get(BookingQueries), get(BookingUpdater), get(BookingLifecycle), get(Rescheduler)
    )


@bookings.provide
def promo_repository(container: Container) -> PromoRepository:
    return PromoRepository(container.database)


@bookings.provide
def promo_use_repository(container: Container) -> PromoUseRepository:
    return PromoUseRepository(container.database, container.get(Transactions))


@bookings.provide
def promos(container: Container) -> PromoService:
    get = container.get
    return PromoService(
        get(PromoRepository), get(PromoUseRepository), get(BarberService), get(CatalogueService), container.clock
    )


@bookings.provide
def promo_redemptions(container: Container) -> PromoRedemptions:
    get = container.get
    return PromoRedemptions(get(PromoRepository), get(PromoUseRepository), get(BookingQueries), container.clock)
