"""Change the factors of an account, with all that follows from a change."""

from collections.abc import Callable
from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from grome.accounts.schemas import Tokens
from grome.accounts.sessions import SessionService
from grome.accounts.sign_in import SignIn
from grome.common.actor import ADMINS, Actor, Role, SignInMethod
from grome.common.clock import Clock
from grome.common.ids import new_id
from grome.common.origin import origin_by
from grome.factors.errors import FactorRequired
from grome.factors.models import FactorEvent, FactorKind, FactorSet
from grome.factors.recovery_codes import hash_recovery_code, new_recovery_codes
from grome.factors.repository import FactorChange, FactorRepository
from grome.infrastructure.outbox.models import EventType

# Roles that keep a factor once the settings require it.
_MUST_KEEP: Final = ADMINS
_REASON: Final = "second factors changed"


class Added(Struct, frozen=True):
    """The outcome of a new factor. `recovery_codes` is None if the codes of earlier stay valid."""

    recovery_codes: list[str] | None
    tokens: Tokens


class FactorChanges:
    """Stores a change with its event, and ends the other sessions of the account afterwards.

    The sessions end after the write: a session that is opened between the two ends as well.
    """

    def __init__(
        self, factors: FactorRepository, sign_in: SignIn, sessions: SessionService, clock: Clock, *, is_required: bool
    ) -> None:
        self._factors, self._sign_in, self._sessions, self._clock = factors, sign_in, sessions, clock
        self._is_required = is_required

    def must_keep(self, role: Role) -> bool:
        """Return whether an account of the role keeps at least one factor."""
        return self._is_required and role in _MUST_KEEP

    async def add(
        self, actor: Actor, kind: FactorKind, method: SignInMethod, put: Callable[[FactorSet], FactorSet]
    ) -> Added:
        """Add the factor that `put` puts into the set, with recovery codes where there are none.

        The proof of the new factor counts as a proof of the session.
        """
        codes = new_recovery_codes()
        hashes = [hash_recovery_code(code) for code in codes]

        def change(stored: FactorSet) -> FactorChange:
            added = put(stored)
            kept = msgspec.structs.replace(added, recovery_codes=stored.recovery_codes or hashes)
            return kept, [self.event(EventType.ACCOUNT_FACTOR_ADDED, kind, actor.id)]

        stored = await self._factors.update(actor.id, change)
        await self.end_other_sessions(actor)
        tokens = await self._sign_in.step_up(actor, frozenset({method}))
        return Added(codes if stored.recovery_codes == hashes else None, tokens)

    async def remove(self, actor: Actor, kind: FactorKind, take: Callable[[FactorSet], FactorSet]) -> None:
        """Remove the factor that `take` takes out of the set; recovery codes go with the last factor.

        Raises FactorRequired for the last factor of an account that needs one.
        """

        def change(stored: FactorSet) -> FactorChange:
            left = take(stored)
            if not left.is_active:
                if self.must_keep(actor.role):
                    raise FactorRequired
                left = msgspec.structs.replace(left, recovery_codes=[])
            return left, [self.event(EventType.ACCOUNT_FACTOR_REMOVED, kind, actor.id)]

        await self._factors.update(actor.id, change)
        await self.end_other_sessions(actor)

    async def end_other_sessions(self, actor: Actor) -> None:
        await self._sessions.end_all(actor.id, _REASON, keep=actor.session_id)

    def event(self, kind: EventType, factor: FactorKind, actor_id: UUID | None) -> FactorEvent:
        return FactorEvent(new_id(), kind, self._clock(), factor.value, actor_id, origin_by(actor_id))
