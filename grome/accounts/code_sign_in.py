"""Sign in with a code by SMS, for accounts that have a phone number and no email address."""

from uuid import UUID

from grome.accounts.models import Device
from grome.accounts.repository import UserRepository
from grome.accounts.schemas import CodeSignInRequest, SignedIn
from grome.accounts.sign_in import SignIn
from grome.accounts.sign_in_names import sign_in_name
from grome.codes.errors import CodeRefused
from grome.codes.models import AddressKind, CodePurpose, CodeTarget
from grome.codes.service import Codes
from grome.common.actor import SignInMethod


class CodeSignIn:
    def __init__(self, users: UserRepository, codes: Codes, sign_in: SignIn) -> None:
        self._users, self._codes, self._sign_in = users, codes, sign_in

    async def request(self, body: CodeSignInRequest, network: str) -> UUID:
        """Return the name of a request that a code completes.

        The code is sent if the number belongs to an account without an email address and was verified; all else is the
        same if not. Raises TooManyRequests.
        """
        name = sign_in_name(None, body.phone)
        owner = (await self._users.find_by_name(name)).owner
        may_sign_in = owner is not None and owner.phone_verified and owner.email is None
        target = CodeTarget(
            purpose=CodePurpose.SIGN_IN,
            kind=AddressKind.PHONE,
            address=name.normal,
            user_id=owner.id if owner and may_sign_in else None,
        )
        return UUID(await self._codes.request(target, network))

    async def sign_in(self, request_id: UUID, digits: str, device: Device) -> SignedIn:
        """Sign in. Raises CodeRefused, and like `SignIn.begin`."""
        code = await self._codes.redeem(str(request_id), CodePurpose.SIGN_IN, digits)
        user = await self._users.find(code.user_id) if code.user_id else None
        if user is None or user.phone != code.address:
            raise CodeRefused
        return await self._sign_in.begin(user, device, SignInMethod.CODE)
