"""Change the customer's tip and the notes of both sides, without changing the status of the booking."""

from datetime import datetime
from uuid import UUID

import msgspec

from grome.bookings.errors import WrongState
from grome.bookings.figures import max_tip
from grome.bookings.models import ENDED, Action, Booking, Party, Status
from grome.bookings.repository import BookingRepository
from grome.bookings.schemas import BookingOut, NotesOut, booking_out
from grome.bookings.updates import BookingUpdate, BookingUpdater, author_of
from grome.bookings.windows import window_of
from grome.common.actor import Actor, Role
from grome.common.errors import Invalid, NotFound
from grome.common.money import MOST_AMOUNT


class TipsAndNotes:
    def __init__(self, bookings: BookingRepository, updater: BookingUpdater) -> None:
        self._bookings, self._updater = bookings, updater

    async def set_tip(self, actor: Actor, booking_id: UUID, amount: int) -> BookingOut:
        """Set the tip on top of the price, until the tip is paid; the same amount again changes nothing.

        Raises NotFound, WrongState if the visit is not completed or the tip is paid, OutsideWindow, and Invalid if
        price and tip together are too high.
        """

        async def rule(booking: Booking, now: datetime) -> BookingUpdate | None:
            if booking.status is not Status.COMPLETED:
                raise WrongState(f"The booking is {booking.status.value}.")
            if booking.payment.tip == amount:
                return None
            if booking.payment.tip_paid:
                raise WrongState("The tip is paid.")
            if amount > max_tip(booking):
                raise Invalid("amount", f"makes more than {MOST_AMOUNT} minor units together with the price")
            window_of(booking, Action.TIP, Party.CUSTOMER).check(now)
            return BookingUpdate(action=Action.TIP, status=booking.status, fields={"payment.tip": amount})

        return booking_out(await self._updater.update(author_of(actor), booking_id, rule))

    async def get_notes(self, actor: Actor, booking_id: UUID) -> NotesOut:
        """Return the notes that the actor may see. Raises NotFound."""
        return _notes_out(actor, await self._updater.get(actor, booking_id))

    async def put_note(self, actor: Actor, booking_id: UUID, note: str | None) -> NotesOut:
        """Replace the actor's own note: a customer's until the visit ends, a barber's at any time.

        Raises NotFound, and WrongState or OutsideWindow if it is too late.
        """
        if actor.role is Role.BARBER:
            return await self._put_barber_note(actor, booking_id, note)

        async def rule(booking: Booking, now: datetime) -> BookingUpdate | None:
            if booking.status in ENDED:
                raise WrongState(f"The booking is {booking.status.value}.")
            if booking.customer_note == note:
                return None
            window_of(booking, Action.NOTE, Party.CUSTOMER).check(now)
            return BookingUpdate(action=Action.NOTE, status=booking.status, fields={"customer_note": note}, note=note)

        return _notes_out(actor, await self._updater.update(author_of(actor), booking_id, rule))

    async def _put_barber_note(self, actor: Actor, booking_id: UUID, note: str | None) -> NotesOut:
        """Write the note without a history entry, because the customer can read the history."""
        booking = await self._updater.get(actor, booking_id)
        if not await self._bookings.set_barber_note(actor.id, booking_id, note):
            raise NotFound
        return _notes_out(actor, msgspec.structs.replace(booking, barber_note=note))


def _notes_out(actor: Actor, booking: Booking) -> NotesOut:
    return NotesOut(booking.customer_note, None if actor.role is Role.CUSTOMER else booking.barber_note)
