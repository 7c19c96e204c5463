"""Enrol and remove an authenticator app (TOTP)."""

from datetime import timedelta
from typing import Final

import msgspec

from grome.accounts.service import AccountService
from grome.common.actor import Actor, SignInMethod
from grome.common.clock import Clock
from grome.common.errors import Invalid, NotFound
from grome.factors.changes import Added, FactorChanges
from grome.factors.errors import TotpNotBegun
from grome.factors.models import FactorKind, FactorSet, PendingTotp, Totp
from grome.factors.repository import FactorChange, FactorRepository
from grome.factors.schemas import NewTotp
from grome.factors.totp import find_step, new_totp_secret, open_totp_secret, otpauth_url
from grome.infrastructure.secret_keys import Sealer

_PENDING_LIFE: Final = timedelta(minutes=15)
_NO_STEP: Final = -1


class AuthenticatorApps:
    """An account has one app. A confirmed second enrolment replaces the first, as after a change of the phone."""

    def __init__(
        self,
        factors: FactorRepository,
        changes: FactorChanges,
        sealer: Sealer,
        accounts: AccountService,
        clock: Clock,
    ) -> None:
        self._factors, self._changes, self._sealer = factors, changes, sealer
        self._accounts, self._clock = accounts, clock

    async def begin(self, actor: Actor) -> NewTotp:
        """Store a new secret that waits for its confirmation; a repeat replaces it."""
        user = await self._accounts.find(actor.id)
        if user is None:
            raise NotFound
        secret = new_totp_secret()
        pending = PendingTotp(self._sealer.seal(secret.encode(), actor.id.bytes), self._clock())

        def change(stored: FactorSet) -> FactorChange:
            return msgspec.structs.replace(stored, pending_totp=pending), []

        await self._factors.update(actor.id, change)
        return NewTotp(secret, otpauth_url(secret, user.named_email or user.named_phone or user.name))

    async def confirm(self, actor: Actor, code: str) -> Added:
        """Put the app to use. Raises TotpNotBegun, and Invalid for a wrong code."""

        def put(stored: FactorSet) -> FactorSet:
            now, pending = self._clock(), stored.pending_totp
            if pending is None or pending.created_at <= now - _PENDING_LIFE:
                raise TotpNotBegun
            step = find_step(open_totp_secret(self._sealer, pending.sealed, actor.id), code, now, _NO_STEP)
            if step is None:
                raise Invalid("code", "is not the code that the app shows now")
            return msgspec.structs.replace(stored, pending_totp=None, totp=Totp(pending.sealed, step, now))

        return await self._changes.add(actor, FactorKind.TOTP, SignInMethod.TOTP, put)

    async def reseal_secrets(self) -> int:
        """Seal secrets by the current secrets key, so that former keys can be removed; returns the apps changed."""
        count = 0
        async for factors in self._factors.iter_with_app():
            if factors.totp and self._resealed(factors) != factors:
                await self._factors.update(factors.user_id, lambda stored: (self._resealed(stored), []))
                count += 1
        return count

    def _resealed(self, stored: FactorSet) -> FactorSet:
        if stored.totp is None:
            return stored
        sealed = self._sealer.reseal(stored.totp.sealed, stored.user_id.bytes)
        return msgspec.structs.replace(stored, totp=msgspec.structs.replace(stored.totp, sealed=sealed))

    async def remove(self, actor: Actor) -> None:
        """Raises NotFound without an app, and FactorRequired."""

        def take(stored: FactorSet) -> FactorSet:
            if stored.totp is None:
                raise NotFound
            return msgspec.structs.replace(stored, totp=None, pending_totp=None)

        await self._changes.remove(actor, FactorKind.TOTP, take)
