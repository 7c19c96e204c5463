"""Live connections: rooms, presence, chat and positions."""

from grome.accounts.preferences import PreferenceService
from grome.accounts.service import AccountService
from grome.accounts.verifier import Verifier
from grome.barbers.service import BarberService
from grome.bookings.on_the_way import HouseCallTrips
from grome.bookings.queries import BookingQueries
from grome.bookings.running_late import DelayShifter
from grome.bookings.updates import BookingUpdater
from grome.chat.queries import ChatQueries
from grome.chat.service import ChatService
from grome.infrastructure.container import Container, Providers
from grome.infrastructure.redis.client import Namespace, RedisClients
from grome.payments.queries import PaymentQueries
from grome.realtime.access import RoomAccess
from grome.realtime.bus import BusReader
from grome.realtime.connections import LiveConnections
from grome.realtime.event_data import EventData
from grome.realtime.figures import LiveFigures
from grome.realtime.history import RoomHistory
from grome.realtime.hub import Hub
from grome.realtime.origins import AllowedOrigins
from grome.realtime.positions import LivePositions
from grome.realtime.presence import Presence
from grome.realtime.presence_announcer import PresenceAnnouncer
from grome.realtime.presence_leases import PresenceLeases
from grome.realtime.requests import LiveRequests
from grome.realtime.ring import Ring
from grome.realtime.sign_in import LiveSignIn
from grome.realtime.sse import EventStreams
from grome.realtime.streams import LivePublisher
from grome.realtime.subscriptions import LiveSubscriptions
from grome.realtime.tickets import Tickets
from grome.reviews.service import ReviewService
from grome.tracking.lateness import LatenessAdvisor
from grome.tracking.service import TrackingService
from grome.tracking.trip_store import TripStore
from grome.walk_ins.queries import WalkInQueries

live = Providers()


@live.provide
def allowed_origins(container: Container) -> AllowedOrigins:
    return AllowedOrigins(container.settings.live, container.settings.http)


@live.provide
def room_access(container: Container) -> RoomAccess:
    return RoomAccess(container.get(BookingQueries))


@live.provide
def event_data(container: Container) -> EventData:
    get = container.get
    return EventData(
        get(BookingQueries),
        get(PaymentQueries),
        get(ReviewService),
        get(ChatQueries),
        get(WalkInQueries),
        get(BarberService),
    )


@live.provide
def live_publisher(container: Container) -> LivePublisher:
    return LivePublisher(container.get(RedisClients).commands, container.get(Namespace))


@live.provide
def bus_reader(container: Container) -> BusReader:
    return BusReader(container.get(RedisClients).subscriptions, container.get(Namespace))


@live.provide
def hub(container: Container) -> Hub:
    get = container.get
    started = Hub(get(BusReader), RoomHistory(get(RedisClients).commands, get(Namespace)), Ring())
    started.start()
    container.close_with(started.close)
    return started


@live.provide
def tracking(container: Container) -> TrackingService:
    get = container.get
    return TrackingService(
        TripStore(get(RedisClients).commands, get(Namespace)),
        HouseCallTrips(get(BookingUpdater)),
        get(BookingQueries),
        get(BarberService),
        LatenessAdvisor(get(BookingQueries), get(DelayShifter)),
        LivePositions(get(LivePublisher)),
        container.clock,
    )


@live.provide
def tickets(container: Container) -> Tickets:
    return Tickets(container.get(RedisClients).commands, container.get(Namespace), container.clock)


@live.provide
def presence_leases(container: Container) -> PresenceLeases:
    return PresenceLeases(container.get(RedisClients).commands, container.get(Namespace))


@live.provide
def presence_announcer(container: Container) -> PresenceAnnouncer:
    get = container.get
    started = PresenceAnnouncer(
        get(PresenceLeases), get(AccountService), get(BookingQueries), get(ChatQueries), get(LivePublisher)
    )
    started.start()
    container.close_with(started.close)
    return started


@live.provide
def presence(container: Container) -> Presence:
    get = container.get
    started = Presence(get(PresenceLeases), get(PreferenceService), get(PresenceAnnouncer))
    started.start()
    container.close_with(started.close)
    return started


@live.provide
def sign_in(container: Container) -> LiveSignIn:
    get = container.get
    return LiveSignIn(
        get(Verifier),
        get(Tickets),
        get(RoomAccess),
        container.settings.live.heartbeat_s,
        container.clock,
        require_second_factor=container.settings.accounts.require_second_factor,
    )


@live.provide
def subscriptions(container: Container) -> LiveSubscriptions:
    get = container.get
    return LiveSubscriptions(get(Hub), get(RoomAccess), get(Presence), get(ChatQueries), get(TrackingService))


@live.provide
def requests(container: Container) -> LiveRequests:
    get = container.get
    return LiveRequests(
        get(LiveSignIn), get(LiveSubscriptions), get(ChatService), get(TrackingService), get(LivePublisher)
    )


@live.provide
def live_figures(container: Container) -> LiveFigures:
    return LiveFigures(container.get(RedisClients).commands, container.get(Namespace))


@live.provide
def connections(container: Container) -> LiveConnections:
    get, settings = container.get, container.settings.live
    started = LiveConnections(
        get(Hub), get(Presence), get(Verifier), get(LiveRequests).handle, get(LiveFigures), settings
    )
    started.start()
    container.close_with(started.close)
    return started


@live.provide
def event_streams(container: Container) -> EventStreams:
    get = container.get
    return EventStreams(get(LiveConnections), get(LiveSignIn), get(LiveSubscriptions), get(Hub))
