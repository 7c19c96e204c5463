"""Store new accounts without revealing which addresses have an account already."""

from typing import Final

import msgspec

from grome.accounts.events import new_account_event
from grome.accounts.models import User
from grome.accounts.repository import UserRepository
from grome.common.clock import Clock
from grome.common.errors import Invalid, Unavailable
from grome.common.ids import new_id
from grome.infrastructure.outbox.models import EventType

# Each lost race means that another account got the address, which the next try sees.
_MAX_RACES: Final = 3


class NewAccounts:
    """Adds accounts. An address that belongs to another account is claimed only, until a code proves it.

    A registration runs the same commands whether an address is free or taken, so neither the response nor its time
    reveals which. The owner of a taken address is told.
    """

    def __init__(self, users: UserRepository, clock: Clock) -> None:
        self._users, self._clock = users, clock

    async def add(self, user: User) -> User:
        """Store the account. Of concurrent accounts with an address, one owns it, and one of the others claims it."""
        for _ in range(_MAX_RACES):
            claimant = await self._claim(user)
            await self._users.drop_claims(user.email, user.phone)
            if await self._users.insert(claimant):
                return claimant
        # Other accounts have claimed the address meanwhile, and the newest claim stays.
        claimant = await self._claim(user)
        if await self._users.insert(msgspec.structs.replace(claimant, claimed_email=None, claimed_phone=None)):
            return claimant
        raise Unavailable

    async def add_owner(self, user: User) -> User:
        """Store the account of a trusted person. Raises Invalid if an address belongs to another account."""
        if not await self._users.insert(user):
            raise Invalid("email", "belongs to another account")
        return user

    async def _claim(self, user: User) -> User:
        """Return the account with a claim for each address that belongs to another account now."""
        owners = await self._users.find_owners(user.email, user.phone)
        told = [
            msgspec.structs.replace(
                new_account_event(EventType.ACCOUNT_ADDRESS_TAKEN, self._clock()), id=new_id(), owner_id=owner_id
            )
            for owner_id in dict.fromkeys(owners.values())
        ]
        is_email_taken, is_phone_taken = "email" in owners, "phone" in owners
        return msgspec.structs.replace(
            user,
            email=None if is_email_taken else user.email,
            phone=None if is_phone_taken else user.phone,
            claimed_email=user.email if is_email_taken else None,
            claimed_phone=user.phone if is_phone_taken else None,
            outbox=[*user.outbox, *told],
        )
