"""Complete logins by a second factor, and sign in with a passkey alone."""

import hashlib
from typing import Final
from uuid import UUID

from msgspec import UNSET

from grome.accounts.errors import Challenge
from grome.accounts.models import Device, User
from grome.accounts.schemas import SignedIn
from grome.accounts.service import AccountService
from grome.accounts.sign_in import SignIn
from grome.codes.models import CodePurpose
from grome.codes.service import Codes
from grome.common.actor import SignInMethod
from grome.common.errors import Invalid
from grome.factors.challenges import Challenges, PendingSignIn, Purpose
from grome.factors.errors import ChallengeRefused, PasskeyRefused, WrongFactor
from grome.factors.models import Passkey
from grome.factors.passkeys import RelyingParty
from grome.factors.proofs import FactorProofs
from grome.factors.repository import FactorRepository
from grome.factors.schemas import PasskeyCeremony, PasskeySignIn, SecondFactor

_PASSKEY: Final = frozenset({SignInMethod.PASSKEY})


class SecondStep:
    """Every challenge takes five proofs and completes one login. A passkey alone is two factors, and needs none."""

    def __init__(
        self,
        factors: FactorRepository,
        checks: tuple[FactorProofs, Codes],
        challenges: Challenges,
        relying_party: RelyingParty,
        accounts: AccountService,
        sign_in: SignIn,
    ) -> None:
        (self._proofs, self._codes), self._factors, self._challenges = checks, factors, challenges
        self._relying_party, self._accounts, self._sign_in = relying_party, accounts, sign_in

    async def complete(self, body: SecondFactor) -> SignedIn:
        """Complete a login.

        Raises ChallengeRefused, WrongFactor, PasskeyRefused, CodeRefused, and the errors of `SignIn`.
        """
        pending = await self._challenges.try_sign_in(body.challenge)
        if pending is None:
            raise ChallengeRefused
        user = await self._user_of(pending)
        method = await self._prove(pending, body)
        if not await self._challenges.finish_sign_in(body.challenge):
            raise ChallengeRefused
        return await self._sign_in.complete(user, pending.device, pending.methods | {method})

    async def find_challenge(self, token: str) -> Challenge | None:
        """Find a challenge that still takes proofs. Returns None if it is gone."""
        pending = await self._challenges.find_sign_in(token)
        return Challenge(token, [kind.value for kind in pending.kinds]) if pending else None

    async def begin_passkey(self, challenge: str | None) -> PasskeyCeremony:
        """Begin a sign-in with any passkey, or the second step of a login. Raises ChallengeRefused."""
        if challenge is None:
            return await self._begin(Purpose.SIGN_IN, "", [])
        pending = await self._challenges.find_sign_in(challenge)
        if pending is None:
            raise ChallengeRefused
        return await self._begin(Purpose.SECOND_STEP, _subject_of(challenge), await self._passkeys(pending.user_id))

    async def sign_in(self, body: PasskeySignIn, device: Device) -> SignedIn:
        """Sign in the owner of a passkey. Raises PasskeyRefused, and the errors of `SignIn`."""
        owner_id = await self._proofs.check_passkey(body, Purpose.SIGN_IN)
        user = await self._accounts.find(owner_id)
        if user is None:
            raise PasskeyRefused
        return await self._sign_in.complete(user, device, _PASSKEY)

    async def _begin(self, purpose: Purpose, subject: str, allowed: list[Passkey]) -> PasskeyCeremony:
        token, challenge = await self._challenges.begin_ceremony(purpose, subject)
        return PasskeyCeremony(token, self._relying_party.request_options(challenge, allowed))

    async def _prove(self, pending: PendingSignIn, body: SecondFactor) -> SignInMethod:
        if body.code is UNSET:
            return await self._proofs.prove(pending.user_id, body, Purpose.SECOND_STEP, _subject_of(body.challenge))
        if (body.totp, body.recovery_code, body.passkey) != (UNSET, UNSET, UNSET):
            raise Invalid("code", "is required without another proof, and not allowed with it")
        if pending.code_slot is None:
            raise WrongFactor
        await self._codes.redeem(pending.code_slot, CodePurpose.SECOND_FACTOR, body.code)
        return SignInMethod.CODE

    async def _user_of(self, pending: PendingSignIn) -> User:
        """Return the user of the login. Raises ChallengeRefused if the password has changed since its first step."""
        user = await self._accounts.find(pending.user_id)
        if user is None or (user.password_changed_at and user.password_changed_at >= pending.begun_at):
            raise ChallengeRefused
        return user

    async def _passkeys(self, user_id: UUID) -> list[Passkey]:
        stored = await self._factors.find(user_id)
        return stored.passkeys if stored else []


def _subject_of(challenge: str) -> str:
    """Return a name of the login that is no secret."""
    return hashlib.sha256(challenge.encode()).hexdigest()
