"""Bookings and what surrounds them: taking a time, moving it, waiting for it, writing about it."""

from datetime import timedelta
from functools import cached_property

from grome.any_barber.service import AnyBarberService
from grome.bookings.create import BookingCreator
from grome.bookings.lifecycle import BookingLifecycle
from grome.bookings.rebook import Rebooker
from grome.bookings.reschedule import Rescheduler
from grome.bookings.running_late import DelayShifter
from grome.bookings.tips_and_notes import TipsAndNotes
from grome.bookings.undo import MoveUndo
from grome.bookings.updates import BookingUpdater
from grome.bookings.walk_in_start import WalkInStarter
from grome.calendar_feeds.feed_loader import FeedLoader
from grome.calendar_feeds.feed_urls import FeedUrls
from grome.calendar_feeds.repository import CalendarRepository
from grome.calendar_feeds.service import CalendarService
from grome.composition.people import People
from grome.infrastructure.mongo.group_commit import GroupCommit
from grome.promos.redemptions import PromoRedemptions
from grome.promos.repository import PromoRepository, PromoUseRepository
from grome.promos.service import PromoService
from grome.quotes.repository import QuoteRepository
from grome.quotes.service import QuoteService
from grome.reports.builder import ReportBuilder
from grome.reports.repository import ReportRepository
from grome.reports.service import ReportService
from grome.reviews.repository import ReviewRepository
from grome.reviews.service import ReviewService
from grome.series.bulk_changes import SeriesBulkChanges
from grome.series.repository import SeriesRepository
from grome.series.service import SeriesService
from grome.waitlist.matching import WaitlistMatcher
from grome.waitlist.repository import WaitlistRepository
from grome.waitlist.service import WaitlistService
from grome.walk_ins.queue import QueueLoader as WalkInQueues
from grome.walk_ins.repository import WalkInRepository
from grome.walk_ins.service import WalkInService


class Visits(People):
    @cached_property
    def booking_changes(self) -> BookingUpdater:
        return BookingUpdater(self.stored_bookings, self.clock)

    @cached_property
    def booking_moves(self) -> BookingLifecycle:
        return BookingLifecycle(
            self.stored_bookings, self.booking_changes, self.barbers, self.answer_within, self.clock
        )

    @cached_property
    def move_undo(self) -> MoveUndo:
        return MoveUndo(self.stored_bookings, self.booking_changes, self.booking_moves, self.barbers)

    @cached_property
    def booking_creation(self) -> BookingCreator:
        stored = self.stored_bookings
        together = GroupCommit(stored.insert, stored.insert_many)
        insert = together.insert if self.settings.bookings.group_commit else stored.insert
        return BookingCreator(
            stored, insert, self.barbers, self.booking_moves, self.promo_redemptions, self.answer_within, self.clock
        )

    @cached_property
    def booking_extras(self) -> TipsAndNotes:
        return TipsAndNotes(self.stored_bookings, self.booking_changes)

    @cached_property
    def rebooking(self) -> Rebooker:
        return Rebooker(self.booking_changes, self.barbers, self.booking_creation)

    @cached_property
    def quotes(self) -> QuoteService:
        stored = QuoteRepository(self.database)
        return QuoteService(
            stored, self.booking_creation, self.barbers, self.promo_redemptions, self.budgets, self.clock
        )

    @cached_property
    def any_barber(self) -> AnyBarberService:
        return AnyBarberService(self.nearby, self.barbers, self.availability, self.booking_creation)

    @cached_property
    def stored_series(self) -> SeriesRepository:
        return SeriesRepository(self.database)

    @cached_property
    def series(self) -> SeriesService:
        return SeriesService(self.stored_series, self.booking_creation, self.bookings, self.budgets, self.clock)

    @cached_property
    def series_bulk_changes(self) -> SeriesBulkChanges:
        changes, moves = self.booking_changes, self.booking_moves
        return SeriesBulkChanges(self.stored_series, self.bookings, changes, moves, self.rescheduling)

    @cached_property
    def rescheduling(self) -> Rescheduler:
        stored, changes, within = self.stored_bookings, self.booking_changes, self.answer_within
        return Rescheduler(stored, changes, self.booking_moves, self.barbers, within, self.clock)

    @cached_property
    def running_late(self) -> DelayShifter:
        stored, changes = self.stored_bookings, self.booking_changes
        return DelayShifter(stored, changes, self.rescheduling, self.barbers, self.clock)

    @cached_property
    def promos(self) -> PromoService:
        return PromoService(*self._stored_promos, self.barbers, self.catalogue, self.clock)

    @cached_property
    def promo_redemptions(self) -> PromoRedemptions:
        return PromoRedemptions(*self._stored_promos, self.bookings, self.clock)

    @cached_property
    def _stored_promos(self) -> tuple[PromoRepository, PromoUseRepository]:
        return PromoRepository(self.database), PromoUseRepository(self.database, self.transactions)

    @cached_property
    def stored_waitlist(self) -> WaitlistRepository:
        return WaitlistRepository(self.database)

    @cached_property
    def waitlist(self) -> WaitlistService:
        return WaitlistService(
            self.stored_waitlist, self.waitlist_matcher, self.barbers, self.catalogue, self.bookings, self.clock
        )

    @cached_property
    def waitlist_matcher(self) -> WaitlistMatcher:
        return WaitlistMatcher(self.stored_waitlist, self.barbers, self.bookings, self.booking_creation, self.clock)

    @cached_property
    def walk_ins(self) -> WalkInService:
        stored = WalkInRepository(self.database)
        bookings = WalkInStarter(self.stored_bookings, self.booking_moves, self.clock)
        queues = WalkInQueues(stored, self.bookings, self.clock)
        return WalkInService(stored, self.barbers, self.accounts, bookings, queues, self.clock)

    @cached_property
    def reviews(self) -> ReviewService:
        stored = ReviewRepository(self.database)
        return ReviewService(stored, self.bookings, self.barbers, self.accounts, self.transactions, self.clock)

    @cached_property
    def calendar(self) -> CalendarService:
        http = self.settings.http
        addresses = FeedUrls(self.settings.accounts.signing_key, http.api_base)
        visits = FeedLoader(self.accounts, self.bookings, self.barbers, http.app_base, self.clock)
        return CalendarService(CalendarRepository(self.database), addresses, self.accounts, visits, self.clock)

    @cached_property
    def stored_reports(self) -> ReportRepository:
        return ReportRepository(self.database)

    @cached_property
    def reports(self) -> ReportService:
        return ReportService(
            self.stored_reports, self.barbers, self.storage, self.jobs, self.budgets, self.settings.reports, self.clock
        )

    @cached_property
    def report_builder(self) -> ReportBuilder:
        kept = timedelta(hours=self.settings.reports.keep_h)
        return ReportBuilder(self.stored_reports, self.bookings, self.barbers, self.storage, kept, self.clock)
