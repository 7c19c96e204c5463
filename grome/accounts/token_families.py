"""Exchange refresh tokens. Each login is a family of tokens, and each token is exchanged once."""

from typing import Final

from grome.accounts.errors import RefreshRefused, RefreshReused
from grome.accounts.events import new_account_event
from grome.accounts.models import LoginSession, SessionLife
from grome.accounts.repository import SessionRepository
from grome.accounts.tokens import RefreshToken, UnnumberedToken, grace_start
from grome.accounts.verifier import Verifier
from grome.common.clock import Clock
from grome.infrastructure.outbox.models import EventType

_REUSE: Final = "reuse of an old refresh token"


class TokenFamilies:
    """Exchanges refresh tokens, and tells a lost response from a stolen token.

    The newest token is exchanged for the next one. Its parent, sent again within ten seconds, gets the same child as
    before, so that concurrent refreshes end with one token. Later the parent gets a new child as long as the first
    child was never used: the response was lost. The replaced child then counts as an old token. Any other old token was
    stolen, from its owner or by its sender, and ends the family.
    """

    def __init__(self, sessions: SessionRepository, verifier: Verifier, life: SessionLife, clock: Clock) -> None:
        self._sessions, self._verifier, self._life, self._clock = sessions, verifier, life, clock

    async def exchange(self, token: RefreshToken) -> LoginSession:
        """Exchange the token, and return the session with the `generation` of the child.

        Raises RefreshRefused and RefreshReused.
        """
        rotated = await self._sessions.rotate(token.session_id, token.generation, self._life, self._clock())
        if rotated:
            return rotated
        session = await self._get_live_session(token)
        if token.generation > session.generation:
            raise RefreshRefused  # a valid token that is unknown: the database was restored from a backup
        return await self._exchange_again(session, token.generation)

    async def exchange_unnumbered(self, token: UnnumberedToken) -> LoginSession:
        """Exchange a token of an earlier release for one with a number. Raises as `exchange`."""
        adopted = await self._sessions.adopt(token.session_id, token.token_hash, self._life, self._clock())
        if adopted:
            return adopted
        session = await self._get_live_session(token)
        if session.previous_hash != token.token_hash:
            raise RefreshRefused  # perhaps forged: the id of a session is no secret, and must not end it
        return await self._exchange_again(session, 0)

    async def _get_live_session(self, token: RefreshToken | UnnumberedToken) -> LoginSession:
        session = await self._sessions.find(token.session_id)
        if session is None or session.revoked_at or session.expires_at <= self._clock():
            raise RefreshRefused
        return session

    async def _exchange_again(self, session: LoginSession, generation: int) -> LoginSession:
        """Exchange a token that was exchanged before, or end its family."""
        now = self._clock()
        if generation != session.parent:
            ended = new_account_event(EventType.ACCOUNT_SESSION_REUSED, now)
            await self._sessions.revoke(session.id, _REUSE, now, ended)
            await self._verifier.evict_session(session.id)
            raise RefreshReused
        if session.rotated_at >= grace_start(now):
            return session
        renewed = await self._sessions.renew_child(session.id, session.generation, self._life, now)
        if renewed:
            return renewed
        # Another request came first: it has used the child, or renewed it.
        changed = await self._sessions.find(session.id)
        if changed is None or changed.revoked_at:
            raise RefreshRefused
        return await self._exchange_again(changed, generation)
