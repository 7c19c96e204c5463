"""Assign an address to the account that has proved it."""

from typing import Final

from grome.accounts.errors import AddressTaken
from grome.accounts.events import new_account_event
from grome.accounts.models import AccountEvent, AddressField, User
from grome.accounts.repository import UserRepository
from grome.common.clock import Clock
from grome.infrastructure.outbox.models import Change, EventType

_EVENTS: Final[dict[AddressField, EventType]] = {
    "email": EventType.ACCOUNT_EMAIL_CHANGED,
    "phone": EventType.ACCOUNT_PHONE_CHANGED,
}
_MAX_TRIES: Final = 3


class VerifiedAddresses:
    """Moves a proved address from an account that never proved it. An owner keeps a proved address."""

    def __init__(self, users: UserRepository, clock: Clock) -> None:
        self._users, self._clock = users, clock

    async def assign(self, user: User, field: AddressField, address: str) -> User:
        """Set the address as verified. Raises AddressTaken if another account has proved it too."""
        for _ in range(_MAX_TRIES):
            assigned = await self._users.assign_address(user.id, field, address, self._event(user, field, address))
            if assigned:
                return assigned
            await self._users.release_unverified(field, address)
        raise AddressTaken

    def _event(self, user: User, field: AddressField, address: str) -> AccountEvent | None:
        """Return the event of a changed address; None if the account had the address before."""
        before, was_verified = (
            (user.email, user.email_verified) if field == "email" else (user.phone, user.phone_verified)
        )
        if before == address:
            return None
        changes = (
            Change(field, before, address, is_personal=True),
            Change(f"{field}_verified", was_verified, after=True),
        )
        return new_account_event(_EVENTS[field], self._clock(), *changes)
