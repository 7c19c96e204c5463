"""Verify and change the email address and the phone number of an account, by codes."""

from grome.accounts.errors import AddressVerified, NoAddress
from grome.accounts.models import AddressField, User
from grome.accounts.own_password import OwnPassword
from grome.accounts.repository import UserRepository
from grome.accounts.schemas import UserOut, user_out
from grome.accounts.verified_addresses import VerifiedAddresses
from grome.codes.errors import CodeRefused
from grome.codes.models import AddressKind, CodePurpose, CodeTarget, user_slot
from grome.codes.service import Codes
from grome.common.actor import Actor
from grome.common.errors import NotFound

_PURPOSES: dict[AddressField, CodePurpose] = {"email": CodePurpose.VERIFY_EMAIL, "phone": CodePurpose.VERIFY_PHONE}


class OwnAddresses:
    def __init__(self, users: UserRepository, codes: Codes, password: OwnPassword, verified: VerifiedAddresses) -> None:
        self._users, self._codes, self._password, self._verified = users, codes, password, verified

    async def request_verification(self, actor: Actor, field: AddressField, network: str) -> None:
        """Send a code to the address that the account has or claims.

        Raises NoAddress, AddressVerified and TooManyRequests.
        """
        user = await self._users.find(actor.id)
        if user is None:
            raise NotFound
        owned, is_verified = _address_of(user, field)
        if owned and is_verified:
            raise AddressVerified
        address = user.named_email if field == "email" else user.named_phone
        if address is None:
            raise NoAddress
        await self._codes.request(_target(user, field, address), network)

    async def request_change(
        self, actor: Actor, field: AddressField, address: str, password: str, network: str
    ) -> None:
        """Send a code to a new address. The address counts when the code was typed.

        Raises WrongPassword and TooManyRequests. An address of another account is treated like any other.
        """
        user = await self._password.require_current(actor, password)
        await self._codes.request(_target(user, field, address), network)

    async def confirm(self, actor: Actor, field: AddressField, digits: str) -> UserOut:
        """Give the account the address that the code was sent to. Raises CodeRefused and AddressTaken."""
        code = await self._codes.redeem(user_slot(_PURPOSES[field], actor.id), _PURPOSES[field], digits)
        user = await self._users.find(actor.id)
        if user is None or code.user_id != user.id:
            raise CodeRefused
        return user_out(await self._verified.assign(user, field, code.address))


def _address_of(user: User, field: AddressField) -> tuple[str | None, bool]:
    return (user.email, user.email_verified) if field == "email" else (user.phone, user.phone_verified)


def _target(user: User, field: AddressField, address: str) -> CodeTarget:
    return CodeTarget(purpose=_PURPOSES[field], kind=AddressKind(field), address=address, user_id=user.id)
