"""Open the container of a process: an API worker, a job worker, or a command."""

from typing import Any, Final

from config.settings import Settings
from grome.accounts.verifier import Verifier
from grome.common.clock import Clock, system_clock
from grome.composition.accounts import accounts
from grome.composition.audit import audit
from grome.composition.barbers import barbers
from grome.composition.bookings import bookings
from grome.composition.chat import chat
from grome.composition.clients import clients
from grome.composition.factors import factors
from grome.composition.job_queue import job_queue
from grome.composition.live import live
from grome.composition.notifications import notifications
from grome.composition.outbox import outbox
from grome.composition.payments import payments
from grome.composition.payouts import payouts
from grome.composition.people import people
from grome.composition.personal_data import personal_data
from grome.composition.photos import photos
from grome.composition.reconciliation import reconciliation
from grome.composition.records import records
from grome.composition.search import search
from grome.composition.uploads import uploads
from grome.composition.verification import verification
from grome.composition.waiting import waiting
from grome.composition.webhooks import webhooks
from grome.infrastructure.container import Container, Providers
from grome.infrastructure.storage.protocol import Storage
from grome.nearby.service import NearbyService
from grome.notifications.delivery import Transports

PROVIDERS: Final = Providers(
    clients,
    job_queue,
    accounts,
    factors,
    barbers,
    search,
    bookings,
    waiting,
    records,
    audit,
    people,
    outbox,
    live,
    notifications,
    payments,
    payouts,
    reconciliation,
    uploads,
    verification,
    photos,
    chat,
    webhooks,
    personal_data,
)
# The change feed of barbers and the Verifier miss no change if they start now. Wrong settings of storage or transports
# fail the start.
_BUILT_AT_START: Final[tuple[type[Any], ...]] = (Verifier, NearbyService, Storage, Transports)


async def open_container(settings: Settings, clock: Clock = system_clock) -> Container:
    """Open a container in the running event loop; the caller closes it.

    Clients connect at their first command, so the start does not wait for an unavailable server.
    """
    container = Container(settings, clock, PROVIDERS)
    try:
        for kind in _BUILT_AT_START:
            container.get(kind)
    except BaseException:
        await container.close()
        raise
    return container
