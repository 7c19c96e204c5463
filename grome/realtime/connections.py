"""All live clients of a process: their timers, revoked sessions, and the drain before a stop."""

import asyncio
import random
from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, Protocol
from uuid import UUID

from loguru import logger
from redis.exceptions import RedisError

from config.sections.messages import LiveSettings
from grome.accounts.verifier import Verifier
from grome.common.actor import Actor
from grome.infrastructure.cancellation import cancel_until_done, raise_if_cancelled
from grome.infrastructure.figures import count
from grome.infrastructure.isolated_items import report_failure
from grome.infrastructure.transient_errors import is_transient
from grome.infrastructure.websocket.models import Socket
from grome.realtime.close_codes import CloseCode
from grome.realtime.connection import Handle, LiveConnection
from grome.realtime.figures import STORE_EVERY_S, LiveFigures
from grome.realtime.hub import Hub
from grome.realtime.presence import Presence
from grome.realtime.timer_wheel import TimerWheel

# Sockets of one process; memory allows some more, and the next process is a better place for them.
MAX_SOCKETS: Final = 20_000
_TICK_S: Final = 1.0
# Revocations arrive by broadcast. This look is for those that were missed.
_RECHECK_S: Final = 30.0
_RECHECK_BATCH: Final = 1_000
# The latest revocations that a sign-in under way may not have seen.
_MAX_REVOKED: Final = 10_000
# The drain works in steps, and takes no longer than so, whatever its rate.
_DRAIN_STEP_S: Final = 0.05
DRAIN_SECONDS: Final = 10.0


class LiveClient(Protocol):
    """A signed-in client, by a socket or by server-sent events."""

    actor: Actor | None

    def close(self, code: CloseCode, reason: str, retry_ms: int = 0) -> None: ...


class LiveConnections:
    """Admits sockets, and closes clients of revoked sessions within a second, and all clients before a stop."""

    def __init__(
        self,
        hub: Hub,
        presence: Presence,
        verifier: Verifier,
        handle: Handle,
        figures: LiveFigures,
        settings: LiveSettings,
    ) -> None:
        self._hub, self.settings = hub, settings
        self._presence, self._verifier, self._handle, self._figures = presence, verifier, handle, figures
        self._sockets: set[LiveConnection] = set()
        self._clients_by_session: defaultdict[UUID, set[LiveClient]] = defaultdict(set)
        self._revoked: OrderedDict[UUID, None] = OrderedDict()
        self._wheel = TimerWheel()
        self._tasks: list[asyncio.Task[None]] = []
        self._recheck = asyncio.Event()
        self.is_draining = False

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        return self._loop

    @property
    def position(self) -> str:
        return self._hub.position

    @property
    def is_full(self) -> bool:
        return self.is_draining or len(self._sockets) >= MAX_SOCKETS

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._verifier.watch_revocations(self._on_revoked)
        self._tasks = [
            asyncio.create_task(self._keep_time(), name="live timers"),
            asyncio.create_task(self._keep_checking(), name="live sessions"),
            asyncio.create_task(self._keep_storing_figures(), name="live figures"),
        ]

    async def close(self) -> None:
        await cancel_until_done(self._tasks)
        with suppress(RedisError):
            await self._figures.remove()

    def admit(self, socket: Socket) -> LiveConnection:
        """Return the listener of a new socket, which has some seconds to sign in."""
        connection = LiveConnection(socket, self, self._handle)
        self._sockets.add(connection)
        self._wheel.add(connection, connection.first_due)
        count("live_opened", "socket")
        return connection

    async def sign_in(self, client: LiveClient, actor: Actor) -> bool:
        """Register the client under its session. Returns False if the account has too many connections.

        A client of a session that was revoked after its token was verified is closed at once.
        """
        if not await self._presence.connected(actor.id):
            return False
        self._clients_by_session[actor.session_id].add(client)
        if actor.session_id in self._revoked:
            self._close_session(actor.session_id)
        return True

    def sign_out(self, client: LiveClient, actor: Actor) -> None:
        """Take back a `sign_in` that returned True."""
        clients = self._clients_by_session[actor.session_id]
        clients.discard(client)
        if not clients:
            del self._clients_by_session[actor.session_id]
        self._presence.disconnected(actor.id)

    def remove(self, connection: LiveConnection) -> None:
        """Forget a closed socket."""
        self._sockets.discard(connection)
        if connection.actor:
            self._hub.leave_all(connection)
            self.sign_out(connection, connection.actor)

    async def drain(self) -> None:
        """Move all clients away: so many in a second, each told to come back at a random time."""
        self.is_draining = True
        clients = [client for clients in self._clients_by_session.values() for client in clients]
        clients += [socket for socket in self._sockets if socket.actor is None]
        seconds = min(len(clients) / self.settings.drain_per_s, DRAIN_SECONDS)
        steps = max(1, round(seconds / _DRAIN_STEP_S))
        for step in range(steps):
            for client in clients[step::steps]:
                retry_ms = random.randint(0, 1_000 + round(seconds * 1_000))  # noqa: S311 -- spreads load
                client.close(CloseCode.DRAIN, "This server stops; reconnect.", retry_ms)
            if step < steps - 1:
                await asyncio.sleep(_DRAIN_STEP_S)

    async def _keep_storing_figures(self) -> None:
        while True:
            await asyncio.sleep(STORE_EVERY_S)
            raise_if_cancelled()
            connections = sum(map(len, self._clients_by_session.values()))
            with suppress(RedisError):  # the figures of a lost moment are missed by nobody
                await self._figures.store(connections, int(self.position.partition("-")[0]))

    def _on_revoked(self, session_id: UUID | None) -> None:
        if session_id is None:
            self._recheck.set()
        else:
            self._revoked[session_id] = None
            if len(self._revoked) > _MAX_REVOKED:
                self._revoked.popitem(last=False)
            self._close_session(session_id)

    def _close_session(self, session_id: UUID) -> None:
        for client in list(self._clients_by_session.get(session_id, ())):
            client.close(CloseCode.SESSION_REVOKED, "The session was ended; sign in again.")

    async def _keep_time(self) -> None:
        while True:
            await asyncio.sleep(_TICK_S)
            try:
                self._wheel.advance(self._loop.time())
            except ExceptionGroup as errors:
                report_failure("live timers", "a tick", errors)

    async def _keep_checking(self) -> None:
        """Close the clients of sessions that ended unnoticed: by a missed broadcast, or by their own age."""
        while True:
            try:
                async with asyncio.timeout(_RECHECK_S):
                    await self._recheck.wait()
            except TimeoutError:
                pass
            self._recheck.clear()
            sessions = list(self._clients_by_session)
            for first in range(0, len(sessions), _RECHECK_BATCH):
                await self._check(sessions[first : first + _RECHECK_BATCH])

    async def _check(self, sessions: Sequence[UUID]) -> None:
        try:
            live = await self._verifier.find_live_sessions(sessions)
        # Any error: this task must go on for as long as the process.
        except Exception as error:  # noqa: BLE001
            if is_transient(error):
                logger.warning("Sessions of live clients cannot be checked for a moment: {!r}", error)
                self._loop.call_later(_TICK_S, self._recheck.set)
            else:
                report_failure("live sessions", f"{len(sessions)} sessions", error)
            return
        for session_id in sessions:
            if session_id not in live:
                self._close_session(session_id)
