"""Join, read and leave a barber's walk-in queue, and start visits from it."""

from datetime import datetime, timedelta
from uuid import UUID

from grome.accounts.service import AccountService
from grome.barbers.models import Barber
from grome.barbers.service import BarberService, choose_services
from grome.bookings.models import Guest
from grome.bookings.schemas import BookingOut
from grome.bookings.walk_in_start import WalkInStart, WalkInStarter
from grome.bookings.windows import seat_window
from grome.common.actor import Actor
from grome.common.clock import Clock
from grome.common.errors import NotFound
from grome.common.figures import duration_of
from grome.common.ids import new_id
from grome.walk_ins.errors import AlreadyInQueue, NotTakingWalkIns, NotWaiting, QueueFull
from grome.walk_ins.models import MAX_QUEUE_LENGTH, State, WalkIn, WalkInEvent, build_event
from grome.walk_ins.queue import QueueLoader
from grome.walk_ins.repository import WalkInRepository
from grome.walk_ins.schemas import (
    GuestIn,
    QueueOut,
    QueueQuery,
    SeatIn,
    WaitingListOut,
    WaitingOut,
    WalkInIn,
    WalkInListOut,
    WalkInOut,
)

_MAX_LISTED = 20


class WalkInService:
    def __init__(
        self,
        walk_ins: WalkInRepository,
        barbers: BarberService,
        accounts: AccountService,
        starter: WalkInStarter,
        queues: QueueLoader,
        clock: Clock,
    ) -> None:
        self._walk_ins, self._barbers, self._accounts = walk_ins, barbers, accounts
        self._starter, self._queues, self._clock = starter, queues, clock

    async def preview(self, barber_id: UUID, query: QueueQuery) -> QueueOut:
        """Estimate the wait of a customer that joins now. Raises NotFound, or Invalid for a service."""
        barber = await self._barbers.get_approved(barber_id)
        services = choose_services(barber, query.service_ids, query.add_on_ids)
        queue = await self._queues.load(barber, services)
        start = queue.starts[-1] if barber.is_online else None
        return QueueOut(barber.is_online, len(queue.waiting), start, self._wait_minutes(start))

    async def join(self, actor: Actor, barber_id: UUID, body: WalkInIn) -> WalkInOut:
        """Join the queue. Raises NotFound, Invalid for a service, NotTakingWalkIns, QueueFull or AlreadyInQueue."""
        barber = await self._barbers.get_approved(barber_id)
        if not barber.is_online:
            raise NotTakingWalkIns
        walk_in = await self._enqueue(barber, body, actor.id, None)
        return await self._describe(walk_in)

    async def add_guest(self, actor: Actor, body: GuestIn) -> WaitingListOut:
        """Add a guest without an account. Raises NotFound, also before the approval, Invalid or QueueFull."""
        barber = await self._barbers.get_approved(actor.id)
        await self._enqueue(barber, body, None, body.name)
        return await self.list_waiting(actor)

    async def list_waiting(self, actor: Actor) -> WaitingListOut:
        """Return the acting barber's queue."""
        queue = await self._queues.load(await self._barbers.get(actor.id))
        names = await self._accounts.find_names(
            [walk_in.customer_id for walk_in in queue.waiting if walk_in.customer_id]
        )
        items = [
            WaitingOut(
                walk_in.id,
                walk_in.guest_name or (names.get(walk_in.customer_id, "") if walk_in.customer_id else ""),
                walk_in.customer_id,
                walk_in.service_ids,
                walk_in.add_on_ids,
                start,
                self._wait_minutes(start),
                walk_in.joined_at,
            )
            for walk_in, start in zip(queue.waiting, queue.starts, strict=True)
        ]
        return WaitingListOut(queue.day, queue.pace, items)

    async def list_own(self, actor: Actor) -> WalkInListOut:
        return WalkInListOut(
            [await self._describe(walk_in) for walk_in in await self._walk_ins.list_newest(actor.id, _MAX_LISTED)]
        )

    async def get(self, actor: Actor, walk_in_id: UUID) -> WalkInOut:
        return await self._describe(await self._get(actor, walk_in_id))

    async def leave(self, actor: Actor, walk_in_id: UUID) -> None:
        """Leave the queue. Idempotent."""
        if await self._walk_ins.end_waiting(actor, walk_in_id, State.LEFT, self._event(actor, State.LEFT)) is None:
            await self._get(actor, walk_in_id)

    async def mark_missed(self, actor: Actor, walk_in_id: UUID) -> WaitingListOut:
        """Mark a walk-in as absent at their turn. Raises NotFound or NotWaiting."""
        if await self._walk_ins.end_waiting(actor, walk_in_id, State.MISSED, self._event(actor, State.MISSED)) is None:
            await self._get(actor, walk_in_id)
            raise NotWaiting
        return await self.list_waiting(actor)

    async def seat(self, actor: Actor, walk_in_id: UUID, body: SeatIn) -> BookingOut:
        """Start the visit now, as a booking that claims its time like any other. A repeat returns the same booking.

        Raises NotFound, NotWaiting, OutsideWindow if the place is older than 24 hours, Invalid for services that are no
        longer offered, and SlotTaken if an appointment or another visit is in the way.
        """
        barber = await self._barbers.get(actor.id)
        walk_in = await self._get(actor, walk_in_id)
        services = choose_services(barber, walk_in.service_ids, walk_in.add_on_ids)
        if walk_in.state not in {State.WAITING, State.SEATED}:
            raise NotWaiting
        if walk_in.state is State.WAITING:
            seat_window(walk_in.joined_at).check(self._clock())
        # The booking is written first, under the id of the walk-in: repeats find it, and if it cannot be made, there is
        # nothing to roll back.
        start = WalkInStart(
            id=walk_in.id,
            customer_id=walk_in.customer_id,
            guest=Guest(walk_in.guest_name) if walk_in.guest_name else None,
            services=services,
            duration_min=body.duration_min or duration_of(services),
        )
        booking = await self._starter.start(barber, start)
        await self._walk_ins.mark_seated(walk_in.id, booking.id, self._event(actor, State.SEATED))
        return booking

    async def _enqueue(
        self, barber: Barber, body: WalkInIn | GuestIn, customer_id: UUID | None, guest_name: str | None
    ) -> WalkIn:
        services = choose_services(barber, body.service_ids, body.add_on_ids)
        queue = await self._queues.load(barber, services)
        if customer_id and any(walk_in.customer_id == customer_id for walk_in in queue.waiting):
            raise AlreadyInQueue  # also since the opening before; the unique index decides between concurrent requests
        if len(queue.waiting) >= MAX_QUEUE_LENGTH or queue.starts[-1] is None:
            raise QueueFull
        now = self._clock()
        walk_in = WalkIn(
            id=new_id(),
            barber_id=barber.id,
            day=queue.day,
            customer_id=customer_id,
            guest_name=guest_name,
            service_ids=list(body.service_ids),
            add_on_ids=list(body.add_on_ids),
            joined_at=now,
            outbox=[build_event(State.WAITING, customer_id or barber.id, now)],
        )
        await self._walk_ins.add(walk_in)
        return walk_in

    def _event(self, actor: Actor, state: State) -> WalkInEvent:
        return build_event(state, actor.id, self._clock())

    async def _get(self, actor: Actor, walk_in_id: UUID) -> WalkIn:
        walk_in = await self._walk_ins.find(actor, walk_in_id)
        if walk_in is None:
            raise NotFound
        return walk_in

    async def _describe(self, walk_in: WalkIn) -> WalkInOut:
        ahead, start = None, None
        barber = await self._barbers.find(walk_in.barber_id) if walk_in.state is State.WAITING else None
        if barber:
            queue = await self._queues.load(barber)
            ids = [walk_in.id for walk_in in queue.waiting]
            if walk_in.id in ids:  # not if its opening is over
                ahead = ids.index(walk_in.id)
                start = queue.starts[ahead]
        return WalkInOut(
            walk_in.id,
            walk_in.barber_id,
            walk_in.day,
            walk_in.service_ids,
            walk_in.add_on_ids,
            walk_in.state,
            walk_in.booking_id,
            ahead,
            start,
            self._wait_minutes(start),
            walk_in.joined_at,
        )

    def _wait_minutes(self, start: datetime | None) -> int | None:
        """Return the whole minutes from now until `start`, rounded up."""
        return max(-int((self._clock() - start) // timedelta(minutes=1)), 0) if start else None
