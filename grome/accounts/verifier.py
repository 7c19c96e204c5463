"""Verify access tokens, and cache their actors, so that repeats take microseconds (docs/decisions/0008)."""

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from loguru import logger
from redis.asyncio import Redis

from grome.accounts.repository import SessionRepository
from grome.accounts.tokens import AccessTokens
from grome.common.actor import Actor
from grome.common.clock import Clock
from grome.common.errors import Unauthenticated
from grome.infrastructure.redis.client import TRANSIENT_FAULTS, Namespace, Subscription

REVOCATION_CHANNEL: Final = "sessions:revoked"
MAX_CACHED_TOKENS: Final = 100_000  # about 50 MB at worst
# A process that lost a revocation message notices the revocation after this time at most.
RECHECK_SECONDS: Final = 30.0


class _Cached(NamedTuple):
    """An actor, the time of the next check of the session, and the expiry of the token."""

    actor: Actor
    until: datetime
    expires_at: datetime


class Verifier:
    """Caches verified tokens. A revoked session is evicted by broadcast, and at the latest when it is checked again."""

    def __init__(
        self,
        tokens: AccessTokens,
        sessions: SessionRepository,
        redis: Redis,
        subscribing_redis: Redis,
        namespace: Namespace,
        clock: Clock,
        max_tokens: int = MAX_CACHED_TOKENS,
    ) -> None:
        self._tokens, self._sessions, self._clock = tokens, sessions, clock
        self._redis, self._channel = redis, namespace.channel(REVOCATION_CHANNEL)
        self._subscription = Subscription(subscribing_redis, self._channel, self._on_revoked, self._on_gap)
        self._actors_by_token: OrderedDict[str, _Cached] = OrderedDict()
        # A revocation evicts the tokens of its session without a scan of all cached tokens.
        self._tokens_by_session: defaultdict[UUID, set[str]] = defaultdict(set)
        self._max_tokens = max_tokens
        self._revocations = 0
        self._watchers: list[Callable[[UUID | None], None]] = []

    def start(self) -> None:
        self._subscription.start()

    async def close(self) -> None:
        await self._subscription.close()

    def cached(self, token: str) -> Actor | None:
        """Return the cached actor of the token; None if the token is not cached or has to be verified again."""
        found = self._actors_by_token.get(token)
        return found.actor if found and self._clock() < found.until else None

    async def get_actor(self, token: str) -> Actor:
        """Return the actor.

        Raises Unauthenticated for an invalid or expired token, and for a token of a revoked session.
        """
        return self.cached(token) or (await self.sign_in(token))[0]

    async def sign_in(self, token: str) -> tuple[Actor, datetime]:
        """Return the actor and the expiry of the token. Raises Unauthenticated like `get_actor`."""
        now, found = self._clock(), self._actors_by_token.get(token)
        if found and now < found.until:
            return found.actor, found.expires_at
        verified, revocations = self._tokens.read(token, now), self._revocations
        if verified is None or not await self._sessions.is_live(verified.actor.session_id, now):
            self._evict_token(token)
            raise Unauthenticated("The access token is not valid, has expired or was revoked.")
        expires_at = datetime.fromtimestamp(verified.expires_at, UTC)
        if revocations == self._revocations:  # otherwise the session may have been read before a revocation
            until = min(expires_at, now + timedelta(seconds=RECHECK_SECONDS))
            self._actors_by_token[token] = _Cached(verified.actor, until, expires_at)
            self._tokens_by_session[verified.actor.session_id].add(token)
            if len(self._actors_by_token) > self._max_tokens:
                self._evict_token(next(iter(self._actors_by_token)))
        return verified.actor, expires_at

    def watch_revocations(self, watcher: Callable[[UUID | None], None]) -> None:
        """Call the watcher with each revoked session from now on.

        It gets None if revocations may have been missed; `find_live_sessions` tells which sessions are left.
        """
        self._watchers.append(watcher)

    async def find_live_sessions(self, session_ids: Collection[UUID]) -> frozenset[UUID]:
        """Return the sessions of these that have neither ended nor been revoked, from the database."""
        return await self._sessions.filter_live(session_ids, self._clock())

    async def evict_session(self, session_id: UUID) -> None:
        """Evict a session's tokens in all processes. Without Redis, other processes notice within 30 seconds."""
        self._evict_here(session_id)
        try:
            await self._redis.publish(self._channel, session_id.bytes)
        except TRANSIENT_FAULTS:
            logger.warning(
                "Redis is unavailable; other processes accept a revoked session for {} s at most", RECHECK_SECONDS
            )

    def _evict_here(self, session_id: UUID) -> None:
        self._revocations += 1
        for token in self._tokens_by_session.pop(session_id, ()):
            del self._actors_by_token[token]
        for watcher in self._watchers:
            watcher(session_id)

    def _evict_token(self, token: str) -> None:
        found = self._actors_by_token.pop(token, None)
        if found:
            tokens = self._tokens_by_session[found.actor.session_id]
            tokens.discard(token)
            if not tokens:
                del self._tokens_by_session[found.actor.session_id]

    def _on_revoked(self, message: bytes) -> None:
        self._evict_here(UUID(bytes=message))

    def _on_gap(self) -> None:
        """Clear the cache: revocations may have been missed, so every token is verified again."""
        self._revocations += 1
        self._actors_by_token.clear()
        self._tokens_by_session.clear()
        for watcher in self._watchers:
            watcher(None)
