"""Ask for the second step of a login."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from grome.accounts.errors import Challenge
from grome.accounts.models import Device, User
from grome.codes.models import AddressKind, CodePurpose, CodeTarget
from grome.codes.service import Codes
from grome.common.actor import SignInMethod
from grome.common.addresses import network_of
from grome.factors.challenges import Challenges
from grome.factors.models import FactorKind
from grome.factors.repository import FactorRepository


class FactorChallenger:
    """Implements `SecondFactors` of the accounts. `find_user` finds an account."""

    def __init__(
        self,
        factors: FactorRepository,
        challenges: Challenges,
        codes: Codes,
        find_user: Callable[[UUID], Awaitable[User | None]],
    ) -> None:
        self._factors, self._challenges, self._codes, self._find_user = factors, challenges, codes, find_user

    async def begin(
        self, user_id: UUID, device: Device, methods: frozenset[SignInMethod], extra_kinds: frozenset[str]
    ) -> Challenge | None:
        """Begin a challenge for the user's factors.

        For a user without factors, `extra_kinds` may ask for a code, which is sent to a verified address. Returns None
        without factors and address. Raises TooManyRequests if too many codes were sent to the address.
        """
        stored = await self._factors.find(user_id)
        kinds, code_slot = stored.kinds if stored else (), None
        if not kinds and FactorKind.CODE in extra_kinds:
            code_slot = await self._send_code(user_id, device)
            kinds = (FactorKind.CODE,) if code_slot else ()
        if not kinds:
            return None
        token = await self._challenges.begin_sign_in(user_id, device, methods, kinds, code_slot)
        return Challenge(token, [kind.value for kind in kinds])

    async def has_factors(self, user_id: UUID) -> bool:
        stored = await self._factors.find(user_id)
        return stored is not None and stored.is_active

    async def _send_code(self, user_id: UUID, device: Device) -> str | None:
        user = await self._find_user(user_id)
        target = _target_of(user) if user else None
        return await self._codes.request(target, network_of(device.ip or "")) if target else None


def _target_of(user: User) -> CodeTarget | None:
    """Return the verified address of the user, mail before phone. Returns None if there is none."""
    if user.email and user.email_verified:
        kind, address = AddressKind.EMAIL, user.email
    elif user.phone and user.phone_verified:
        kind, address = AddressKind.PHONE, user.phone
    else:
        return None
    return CodeTarget(purpose=CodePurpose.SECOND_FACTOR, kind=kind, address=address, user_id=user.id)
