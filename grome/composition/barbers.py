"""Barbers, their changes, the catalogue and favourites."""

from grome.barbers.change_feed import BarberChangeFeed
from grome.barbers.commissions import Commissions
from grome.barbers.models import Approval
from grome.barbers.repository import BarberRepository
from grome.barbers.schedule_exceptions import ScheduleExceptionService
from grome.barbers.search import BarberSearch
from grome.barbers.service import BarberService
from grome.catalogue.repository import ServiceRepository
from grome.catalogue.service import CatalogueService
from grome.favourites.repository import FavouriteRepository
from grome.favourites.service import FavouriteService
from grome.infrastructure.container import Container, Providers
from grome.infrastructure.mongo.transactions import Transactions
from grome.infrastructure.redis.client import Namespace, RedisClients

barbers = Providers()


@barbers.provide
def catalogue(container: Container) -> CatalogueService:
    return CatalogueService(ServiceRepository(container.database), container.clock)


@barbers.provide
def barber_change_feed(container: Container) -> BarberChangeFeed:
    redis = container.get(RedisClients)
    changes = BarberChangeFeed(redis.commands, redis.subscriptions, container.get(Namespace))
    changes.start()
    container.close_with(changes.close)
    return changes


@barbers.provide
def barber_repository(container: Container) -> BarberRepository:
    return BarberRepository(container.database)


@barbers.provide
def barber_service(container: Container) -> BarberService:
    get = container.get
    is_automatic = container.settings.barbers.approval == "automatic"
    return BarberService(
        get(BarberRepository),
        get(CatalogueService),
        get(BarberChangeFeed),
        get(Transactions),
        Approval.APPROVED if is_automatic else Approval.PENDING,
        container.clock,
    )


@barbers.provide
def commissions(container: Container) -> Commissions:
    get, ordinary_bp = container.get, container.settings.payments.commission_bp
    return Commissions(get(BarberRepository), get(BarberChangeFeed), get(Transactions), ordinary_bp, container.clock)


@barbers.provide
def barber_search(container: Container) -> BarberSearch:
    return BarberSearch(container.get(BarberRepository))


@barbers.provide
def schedule_exceptions(container: Container) -> ScheduleExceptionService:
    return ScheduleExceptionService(container.get(BarberRepository), container.get(BarberService), container.clock)


@barbers.provide
def favourites(container: Container) -> FavouriteService:
    return FavouriteService(FavouriteRepository(container.database), container.get(BarberService), container.clock)
