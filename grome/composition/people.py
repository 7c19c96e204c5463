"""Accounts, barbers and the catalogue; who is found where."""

from functools import cached_property
from typing import Final

from grome.accounts.preferences import PreferenceService
from grome.accounts.repository import SessionRepository, UserRepository
from grome.accounts.service import AccountService
from grome.accounts.tokens import AccessTokens
from grome.accounts.verifier import Verifier
from grome.availability.service import AvailabilityService
from grome.barbers.change_feed import BarberChangeFeed
from grome.barbers.repository import BarberRepository
from grome.barbers.schedule_exceptions import ScheduleExceptionService
from grome.barbers.search import BarberSearch
from grome.barbers.service import BarberService
from grome.bookings.queries import BookingQueries
from grome.bookings.repository import BookingRepository
from grome.catalogue.repository import ServiceRepository
from grome.catalogue.service import CatalogueService
from grome.composition.clients import Clients
from grome.favourites.repository import FavouriteRepository
from grome.favourites.service import FavouriteService
from grome.nearby.cell_loader import CellLoader
from grome.nearby.index import NearbyIndex
from grome.nearby.service import NearbyService
from grome.notifications.repository import PushDeviceRepository

_BYTES_PER_MIB: Final = 2**20


class People(Clients):
    @cached_property
    def stored_users(self) -> UserRepository:
        return UserRepository(self.database)

    @cached_property
    def stored_sessions(self) -> SessionRepository:
        return SessionRepository(self.database)

    @cached_property
    def stored_push_devices(self) -> PushDeviceRepository:
        return PushDeviceRepository(self.database)

    @cached_property
    def access_tokens(self) -> AccessTokens:
        return AccessTokens(self.settings.accounts.signing_key, self.settings.accounts.access_ttl_s)

    @cached_property
    def verifier(self) -> Verifier:
        verifier = Verifier(
            self.access_tokens, self.stored_sessions, self.redis, self.subscribing_redis, self.namespace, self.clock
        )
        verifier.start()
        self._close_by(verifier.close)
        return verifier

    @cached_property
    def accounts(self) -> AccountService:
        accounts = AccountService(
            self.stored_users,
            self.stored_sessions,
            self.access_tokens,
            self.verifier,
            self.settings.accounts,
            self.clock,
            self.stored_push_devices.remove_by_name,
        )
        self._stack.callback(accounts.close)
        return accounts

    @cached_property
    def preferences(self) -> PreferenceService:
        return PreferenceService(self.stored_users)

    @cached_property
    def catalogue(self) -> CatalogueService:
        return CatalogueService(ServiceRepository(self.database), self.clock)

    @cached_property
    def barber_changes(self) -> BarberChangeFeed:
        changes = BarberChangeFeed(self.redis, self.subscribing_redis, self.namespace)
        changes.start()
        self._close_by(changes.close)
        return changes

    @cached_property
    def stored_barbers(self) -> BarberRepository:
        return BarberRepository(self.database)

    @cached_property
    def barbers(self) -> BarberService:
        return BarberService(self.stored_barbers, self.catalogue, self.barber_changes, self.transactions, self.clock)

    @cached_property
    def barber_search(self) -> BarberSearch:
        return BarberSearch(self.stored_barbers)

    @cached_property
    def schedule_exceptions(self) -> ScheduleExceptionService:
        return ScheduleExceptionService(self.stored_barbers, self.barbers, self.clock)

    @cached_property
    def favourites(self) -> FavouriteService:
        return FavouriteService(FavouriteRepository(self.database), self.barbers, self.clock)

    @cached_property
    def stored_bookings(self) -> BookingRepository:
        return BookingRepository(self.database)

    @cached_property
    def bookings(self) -> BookingQueries:
        return BookingQueries(self.stored_bookings, self.clock)

    @cached_property
    def availability(self) -> AvailabilityService:
        return AvailabilityService(self.barbers, self.bookings, self.clock)

    @cached_property
    def nearby_index(self) -> NearbyIndex:
        loader = CellLoader(self.barbers, self.redis, self.namespace)
        return NearbyIndex(
            self.barbers, loader.load, self.barber_changes, self.settings.nearby.memory_mb * _BYTES_PER_MIB
        )

    @cached_property
    def nearby(self) -> NearbyService:
        return NearbyService(self.nearby_index, self.availability)
