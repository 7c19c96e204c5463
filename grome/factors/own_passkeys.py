"""Register, list, rename and remove a person's passkeys."""

from collections.abc import Callable
from uuid import UUID

import msgspec

from grome.accounts.service import AccountService
from grome.common.actor import Actor, SignInMethod
from grome.common.clock import Clock
from grome.common.errors import NotFound
from grome.common.ids import new_id
from grome.factors.challenges import Challenges, Purpose
from grome.factors.changes import FactorChanges
from grome.factors.errors import PasskeyNotAdded, TooManyPasskeys
from grome.factors.models import MAX_PASSKEYS, FactorKind, FactorSet, Passkey
from grome.factors.passkeys import RelyingParty
from grome.factors.repository import FactorChange, FactorRepository
from grome.factors.schemas import PasskeyAdded, PasskeyCeremony, PasskeyIn, PasskeyList, PasskeyOut, passkey_out


class OwnPasskeys:
    def __init__(
        self,
        factors: FactorRepository,
        changes: FactorChanges,
        challenges: Challenges,
        relying_party: RelyingParty,
        accounts: AccountService,
        clock: Clock,
    ) -> None:
        self._factors, self._changes, self._challenges = factors, changes, challenges
        self._relying_party, self._accounts, self._clock = relying_party, accounts, clock

    async def list_passkeys(self, actor: Actor) -> PasskeyList:
        return PasskeyList([passkey_out(passkey) for passkey in await self._passkeys(actor.id)])

    async def begin(self, actor: Actor) -> PasskeyCeremony:
        """Begin the registration of a passkey. Raises TooManyPasskeys."""
        user, present = await self._accounts.find(actor.id), await self._passkeys(actor.id)
        if user is None:
            raise NotFound
        if len(present) >= MAX_PASSKEYS:
            raise TooManyPasskeys
        token, challenge = await self._challenges.begin_ceremony(Purpose.REGISTRATION, str(actor.session_id))
        return PasskeyCeremony(token, self._relying_party.creation_options(user, challenge, present))

    async def add(self, actor: Actor, body: PasskeyIn) -> PasskeyAdded:
        """Register the passkey. Raises PasskeyNotAdded and TooManyPasskeys."""
        ceremony = await self._challenges.take_ceremony(body.ceremony, Purpose.REGISTRATION, str(actor.session_id))
        if ceremony is None:
            raise PasskeyNotAdded
        made = self._relying_party.verify_registration(body.credential, ceremony.challenge)
        passkey = Passkey(
            id=new_id(),
            credential_id=made.credential_id,
            public_key=made.public_key,
            sign_count=made.sign_count,
            transports=made.transports,
            name=body.name,
            synced=made.synced,
            created_at=self._clock(),
        )

        def put(stored: FactorSet) -> FactorSet:
            if len(stored.passkeys) >= MAX_PASSKEYS:
                raise TooManyPasskeys
            if any(known.credential_id == passkey.credential_id for known in stored.passkeys):
                raise PasskeyNotAdded
            return msgspec.structs.replace(stored, passkeys=[*stored.passkeys, passkey])

        added = await self._changes.add(actor, FactorKind.PASSKEY, SignInMethod.PASSKEY, put)
        return PasskeyAdded(passkey_out(passkey), added.recovery_codes, added.tokens)

    async def rename(self, actor: Actor, passkey_id: UUID, name: str) -> PasskeyOut:
        """Raises NotFound."""

        def change(stored: FactorSet) -> FactorChange:
            return _with_each(stored, passkey_id, lambda passkey: [msgspec.structs.replace(passkey, name=name)]), []

        renamed = await self._factors.update(actor.id, change)
        return next(passkey_out(passkey) for passkey in renamed.passkeys if passkey.id == passkey_id)

    async def remove(self, actor: Actor, passkey_id: UUID) -> None:
        """Raises NotFound and FactorRequired."""
        await self._changes.remove(
            actor, FactorKind.PASSKEY, lambda stored: _with_each(stored, passkey_id, lambda _: [])
        )

    async def _passkeys(self, user_id: UUID) -> list[Passkey]:
        stored = await self._factors.find(user_id)
        return stored.passkeys if stored else []


def _with_each(stored: FactorSet, passkey_id: UUID, replace: Callable[[Passkey], list[Passkey]]) -> FactorSet:
    """Return the set with the passkey replaced. Raises NotFound if there is none with this id."""
    if all(passkey.id != passkey_id for passkey in stored.passkeys):
        raise NotFound
    passkeys: list[Passkey] = []
    for passkey in stored.passkeys:
        passkeys += replace(passkey) if passkey.id == passkey_id else [passkey]
    return msgspec.structs.replace(stored, passkeys=passkeys)
