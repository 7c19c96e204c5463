"""Check second factors that people prove: codes of apps, recovery codes and passkeys."""

from datetime import timedelta
from typing import Final
from uuid import UUID

import msgspec

from grome.common.actor import SignInMethod
from grome.common.base64url import decode_base64url
from grome.common.clock import Clock
from grome.common.errors import Invalid
from grome.common.ids import new_id
from grome.common.origin import origin_by
from grome.factors.challenges import Challenges, Purpose
from grome.factors.errors import PasskeyRefused, WrongFactor
from grome.factors.models import FactorEvent, FactorKind, FactorSet
from grome.factors.passkeys import RelyingParty
from grome.factors.recovery_codes import hash_recovery_code
from grome.factors.repository import FactorChange, FactorRepository
from grome.factors.schemas import AssertionCredential, FactorProof, PasskeyAnswer
from grome.factors.totp import find_step, open_totp_secret
from grome.infrastructure.mongo.budgets import Budget, Budgets
from grome.infrastructure.outbox.models import EventType
from grome.infrastructure.secret_keys import Sealer

# Six digits, three of which are right at a time: 40 tries a day succeed by chance once in 23 years.
TOTP_BUDGETS: Final = (
    Budget("totp tries in an hour", 20, timedelta(hours=1)),
    Budget("totp tries in a day", 40, timedelta(days=1)),
)


class FactorProofs:
    """Accepts each code once: the guarded write that uses it up decides between concurrent requests."""

    def __init__(
        self,
        factors: FactorRepository,
        sealer: Sealer,
        relying_party: RelyingParty,
        challenges: Challenges,
        budgets: Budgets,
        clock: Clock,
    ) -> None:
        self._factors, self._sealer, self._relying_party = factors, sealer, relying_party
        self._challenges, self._budgets, self._clock = challenges, budgets, clock

    async def prove(self, user_id: UUID, proof: FactorProof, purpose: Purpose, subject: str) -> SignInMethod:
        """Check the one proof that is there, and use it up.

        Raises Invalid for none or several, else WrongFactor, PasskeyRefused or TooManyRequests.
        """
        match (proof.totp, proof.recovery_code, proof.passkey):
            case (str(code), msgspec.UNSET, msgspec.UNSET):
                await self._use_totp(user_id, code)
                return SignInMethod.TOTP
            case (msgspec.UNSET, str(code), msgspec.UNSET):
                await self._use_recovery_code(user_id, code)
                return SignInMethod.RECOVERY_CODE
            case (msgspec.UNSET, msgspec.UNSET, PasskeyAnswer() as answer):
                await self.check_passkey(answer, purpose, subject, user_id)
                return SignInMethod.PASSKEY
            case _:
                raise Invalid("totp", "is required without `recovery_code` or `passkey`; one of them is allowed")

    async def _use_totp(self, user_id: UUID, code: str) -> None:
        """Use up a code of the authenticator app. Raises WrongFactor, and TooManyRequests after many tries."""
        for budget in TOTP_BUDGETS:
            await self._budgets.spend(budget, str(user_id))

        def use(stored: FactorSet) -> FactorChange:
            if stored.totp is None:
                raise WrongFactor
            secret = open_totp_secret(self._sealer, stored.totp.sealed, user_id)
            step = find_step(secret, code, self._clock(), stored.totp.last_step)
            if step is None:
                raise WrongFactor
            used = msgspec.structs.replace(stored.totp, last_step=step)
            if not self._sealer.is_current(used.sealed, user_id.bytes):
                used = msgspec.structs.replace(used, sealed=self._sealer.seal(secret.encode(), user_id.bytes))
            return msgspec.structs.replace(stored, totp=used), []

        await self._factors.update(user_id, use)

    async def _use_recovery_code(self, user_id: UUID, code: str) -> None:
        """Use up a recovery code, and tell its owner. Raises WrongFactor."""
        used = hash_recovery_code(code)

        def use(stored: FactorSet) -> FactorChange:
            if not stored.is_active or used not in stored.recovery_codes:
                raise WrongFactor
            left = [known for known in stored.recovery_codes if known != used]
            event = self._event(EventType.ACCOUNT_RECOVERY_CODE_USED, FactorKind.RECOVERY_CODE, user_id)
            return msgspec.structs.replace(stored, recovery_codes=left), [event]

        await self._factors.update(user_id, use)

    async def check_passkey(
        self, answer: PasskeyAnswer, purpose: Purpose, subject: str = "", user_id: UUID | None = None
    ) -> UUID:
        """Return the owner of the passkey that answered the ceremony. Raises PasskeyRefused.

        The ceremony must have been begun for this purpose and subject, and the passkey belongs to `user_id`, if given.
        """
        ceremony = await self._challenges.take_ceremony(answer.ceremony, purpose, subject)
        if ceremony is None:
            raise PasskeyRefused
        credential_id = decode_base64url(answer.credential.id.rstrip("="))
        if credential_id is None:
            raise PasskeyRefused
        owner = await self._factors.find_by_credential(credential_id)
        if owner is None or (user_id is not None and owner.user_id != user_id):
            raise PasskeyRefused
        passkey = next(known for known in owner.passkeys if known.credential_id == credential_id)
        count = self._relying_party.verify_assertion(answer.credential, ceremony.challenge, passkey)
        _refuse_foreign_handle(answer.credential, owner.user_id)
        await self._count_use(owner.user_id, passkey.id, count)
        return owner.user_id

    async def _count_use(self, user_id: UUID, passkey_id: UUID, count: int) -> None:
        """Store the count of signatures. Raises PasskeyRefused if it did not grow, and tells the owner.

        Such a count means that two authenticators have the key. Authenticators that do not count always say 0.
        """
        is_cloned = False

        def use(stored: FactorSet) -> FactorChange:
            nonlocal is_cloned
            known = next((passkey for passkey in stored.passkeys if passkey.id == passkey_id), None)
            if known is None:
                raise PasskeyRefused
            is_cloned = max(count, known.sign_count) > 0 and count <= known.sign_count
            if is_cloned:
                return stored, [self._event(EventType.ACCOUNT_SUSPICIOUS_SIGN_IN, FactorKind.PASSKEY, user_id)]
            used = msgspec.structs.replace(known, sign_count=count, last_used_at=self._clock())
            passkeys = [used if passkey.id == passkey_id else passkey for passkey in stored.passkeys]
            return msgspec.structs.replace(stored, passkeys=passkeys), []

        await self._factors.update(user_id, use)
        if is_cloned:
            raise PasskeyRefused

    def _event(self, kind: EventType, factor: FactorKind, user_id: UUID) -> FactorEvent:
        return FactorEvent(new_id(), kind, self._clock(), factor.value, user_id, origin_by(user_id))


def _refuse_foreign_handle(credential: AssertionCredential, user_id: UUID) -> None:
    """Raise PasskeyRefused if the authenticator names another account than the owner of the key."""
    handle = credential.response.user_handle
    if handle and decode_base64url(handle.rstrip("=")) != user_id.bytes:
        raise PasskeyRefused
