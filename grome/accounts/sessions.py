"""Keep, list and end login sessions."""

from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

from grome.accounts.errors import RefreshRefused
from grome.accounts.events import new_account_event
from grome.accounts.models import LoginSession
from grome.accounts.repository import SessionRepository, UserRepository
from grome.accounts.schemas import SessionDevice, SessionOut, SessionPage, Tokens
from grome.accounts.token_families import TokenFamilies
from grome.accounts.tokens import RefreshTokens, TokenIssuer, read_unnumbered_token
from grome.accounts.verifier import Verifier
from grome.common.actor import Actor
from grome.common.clock import Clock
from grome.common.errors import NotFound
from grome.infrastructure.outbox.models import EventType

_BY_OWNER: Final = "revoked by the owner"


class SessionService:
    """Ends sessions at once: in all processes, and on open live connections.

    Calls `on_end` with the user and the device's id after the end of a session with a device id, unless a new session
    on the same device takes its place.
    """

    def __init__(
        self,
        repositories: tuple[UserRepository, SessionRepository],
        families: TokenFamilies,
        refresh_tokens: RefreshTokens,
        issuer: TokenIssuer,
        verifier: Verifier,
        clock: Clock,
        on_end: Callable[[UUID, str], Awaitable[None]],
    ) -> None:
        (self._users, self._stored), self._families = repositories, families
        self._refresh_tokens, self._issuer, self._verifier = refresh_tokens, issuer, verifier
        self._clock, self._on_end = clock, on_end

    async def refresh(self, token: str) -> Tokens:
        """Return two new tokens.

        Raises RefreshRefused, or RefreshReused for an old token that no lost response explains.
        """
        if numbered := self._refresh_tokens.read(token):
            return self._issuer.issue(await self._families.exchange(numbered))
        if unnumbered := read_unnumbered_token(token):
            return self._issuer.issue(await self._families.exchange_unnumbered(unnumbered))
        raise RefreshRefused

    async def list_own(self, actor: Actor) -> SessionPage:
        """Return the actor's live sessions, the newest first."""
        found = await self._stored.list_live(actor.id, self._clock())
        return SessionPage([_out(session, actor) for session in found])

    async def list_of(self, user_id: UUID) -> list[LoginSession]:
        """Return the live sessions of a user, the newest first."""
        return await self._stored.list_live(user_id, self._clock())

    async def logout(self, actor: Actor) -> None:
        await self.end(actor.session_id, "logout")

    async def revoke(self, actor: Actor, session_id: UUID) -> None:
        """End a session of the actor. Raises NotFound if it has ended or belongs to another user."""
        if not await self._stored.is_live_of(session_id, actor.id, self._clock()):
            raise NotFound
        await self.end(session_id, _BY_OWNER)
        await self._record_revocation(actor)

    async def revoke_others(self, actor: Actor) -> None:
        """End all sessions of the actor except this session."""
        await self.end_all(actor.id, _BY_OWNER, keep=actor.session_id)
        await self._record_revocation(actor)

    async def revoke_all(self, actor: Actor) -> None:
        """End all sessions of the actor."""
        await self.end_all(actor.id, _BY_OWNER)
        await self._record_revocation(actor)

    async def end(self, session_id: UUID, reason: str) -> None:
        """End a session. Idempotent."""
        ended = await self._stored.revoke(session_id, reason, self._clock())
        await self._verifier.evict_session(session_id)
        if ended and ended.device.id:
            await self._on_end(ended.user_id, ended.device.id)

    async def end_all(self, user_id: UUID, reason: str, *, keep: UUID | None = None) -> None:
        """End all sessions of a user, for example after a new password; `keep` names a session that stays."""
        while found := [one.id for one in await self._stored.list_live(user_id, self._clock()) if one.id != keep]:
            for session_id in found:
                await self.end(session_id, reason)

    async def end_replaced(self, session: LoginSession) -> None:
        """End the older sessions on the device of a new session, and the oldest sessions beyond the limit."""
        if session.device.id:
            for session_id in await self._stored.list_live_on_device(session.user_id, session.device.id):
                if session_id < session.id:  # of concurrent logins on a device, the newest stays
                    await self._stored.revoke(session_id, "replaced", self._clock())
                    await self._verifier.evict_session(session_id)
        for session_id in await self._stored.trim(session.user_id, self._clock()):
            await self.end(session_id, "too many sessions")

    async def _record_revocation(self, actor: Actor) -> None:
        event = new_account_event(EventType.ACCOUNT_SESSIONS_REVOKED, self._clock())
        await self._users.add_event(actor.id, event)


def _out(session: LoginSession, actor: Actor) -> SessionOut:
    device = session.device
    return SessionOut(
        id=session.id,
        device=SessionDevice(device.id, device.name, device.platform, device.user_agent),
        country=session.country,
        created_at=session.first_seen,
        last_used_at=session.last_seen,
        expires_at=session.expires_at,
        current=session.id == actor.session_id,
    )
