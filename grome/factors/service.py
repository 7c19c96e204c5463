"""Read the factors of an account, renew its recovery codes, and reset them."""

from uuid import UUID

import msgspec

from grome.accounts.sessions import SessionService
from grome.common.actor import Actor
from grome.factors.changes import FactorChanges
from grome.factors.errors import NoFactor
from grome.factors.models import FactorKind, FactorSet
from grome.factors.recovery_codes import hash_recovery_code, new_recovery_codes
from grome.factors.repository import FactorChange, FactorRepository
from grome.factors.schemas import FactorsOut, RecoveryCodesOut, factors_out
from grome.infrastructure.outbox.models import EventType


class FactorService:
    def __init__(self, factors: FactorRepository, changes: FactorChanges, sessions: SessionService) -> None:
        self._factors, self._changes, self._sessions = factors, changes, sessions

    async def read(self, actor: Actor) -> FactorsOut:
        return factors_out(await self._factors.find(actor.id), required=self._changes.must_keep(actor.role))

    async def has_factor(self, user_id: UUID) -> bool:
        """Return whether a sign-in of the account asks for a second factor."""
        stored = await self._factors.find(user_id)
        return stored is not None and stored.is_active

    async def renew_recovery_codes(self, actor: Actor) -> RecoveryCodesOut:
        """Replace the recovery codes. Raises NoFactor for an account without a factor."""
        codes = new_recovery_codes()

        def change(stored: FactorSet) -> FactorChange:
            if not stored.is_active:
                raise NoFactor
            renewed = msgspec.structs.replace(stored, recovery_codes=[hash_recovery_code(code) for code in codes])
            return renewed, [self._changes.event(EventType.ACCOUNT_FACTOR_ADDED, FactorKind.RECOVERY_CODE, actor.id)]

        await self._factors.update(actor.id, change)
        await self._changes.end_other_sessions(actor)
        return RecoveryCodesOut(codes)

    async def reset(self, user_id: UUID, admin_id: UUID | None) -> bool:
        """Remove all factors of an account and end its sessions, for a person that has lost them.

        The owner is told. `admin_id` is None on the command line. Returns False if there was no factor.
        """
        if not await self.has_factor(user_id):
            return False

        def change(stored: FactorSet) -> FactorChange:
            kinds = [FactorKind.PASSKEY] if stored.passkeys else []
            kinds += [FactorKind.TOTP] if stored.totp else []
            events = [self._changes.event(EventType.ACCOUNT_FACTOR_REMOVED, kind, admin_id) for kind in kinds]
            return FactorSet(user_id=user_id, version=stored.version), events

        await self._factors.update(user_id, change)
        await self._sessions.end_all(user_id, "second factors reset")
        return True

    async def erase(self, user_id: UUID) -> None:
        """Delete all that is stored about the factors of an account that is being deleted."""
        await self._factors.remove(user_id)
