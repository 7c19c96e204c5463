"""Free times, and barbers around a point."""

from typing import Final

from grome.accounts.verifier import Verifier
from grome.availability.service import AvailabilityService
from grome.barbers.change_feed import BarberChangeFeed
from grome.barbers.service import BarberService
from grome.bookings.queries import BookingQueries
from grome.infrastructure.container import Container, Providers
from grome.infrastructure.rate_limits.limiter import RateLimits
from grome.infrastructure.rate_limits.models import LimitClass
from grome.infrastructure.redis.client import Namespace, RedisClients
from grome.nearby.cell_loader import CellLoader
from grome.nearby.fast_query import FastQueries
from grome.nearby.index import NearbyIndex
from grome.nearby.service import NearbyService

search = Providers()

_BYTES_PER_MIB: Final = 2**20


@search.provide
def availability(container: Container) -> AvailabilityService:
    return AvailabilityService(container.get(BarberService), container.get(BookingQueries), container.clock)


@search.provide
def nearby_index(container: Container) -> NearbyIndex:
    get, memory_bytes = container.get, container.settings.nearby.memory_mb * _BYTES_PER_MIB
    loader = CellLoader(get(BarberService), get(RedisClients).commands, get(Namespace))
    return NearbyIndex(get(BarberService), loader.load, get(BarberChangeFeed), memory_bytes)


@search.provide
def nearby(container: Container) -> NearbyService:
    return NearbyService(container.get(NearbyIndex), container.get(AvailabilityService))


@search.provide
def fast_queries(container: Container) -> FastQueries:
    limits = container.get(RateLimits).buckets(LimitClass.SEARCH)
    return FastQueries(container.get(NearbyIndex), container.get(Verifier), limits, container.settings.http)
