"""Find the names of the people in a message."""

from uuid import UUID

from grome.accounts.service import AccountService
from grome.barbers.service import BarberService
from grome.bookings.models import Booking


class PeopleNames:
    def __init__(self, accounts: AccountService, barbers: BarberService) -> None:
        self._accounts, self._barbers = accounts, barbers

    async def shop_name_and_zone(self, barber_id: UUID) -> tuple[str, str]:
        """Return the name and time zone of a barber's shop, from the account if the profile was removed."""
        if barber := await self._barbers.find(barber_id):
            return barber.display_name, barber.timezone
        user = await self._accounts.find(barber_id)
        return (user.name, user.preferences.timezone) if user else ("", "UTC")

    async def customer_name(self, booking: Booking) -> str:
        return booking.guest.name if booking.guest else await self.user_name(booking.customer_id)

    async def user_name(self, user_id: UUID | None) -> str:
        user = await self._accounts.find(user_id) if user_id else None
        return user.name if user else ""
