"""Write several documents atomically: all of them or none."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID
from weakref import WeakValueDictionary

import pymongo
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.read_concern import ReadConcern

from grome.infrastructure.mongo.client import Client

T = TypeVar("T")
Session = AsyncClientSession


class Transaction:
    """Groups reads and writes that use `session`. Callbacks given to `then` run only after the commit."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._follow_ups: list[Callable[[], Awaitable[None]]] = []

    def on_commit(self, follow_up: Callable[[], Awaitable[None]]) -> None:
        self._follow_ups.append(follow_up)

    async def follow_up(self) -> None:
        for follow_up in self._follow_ups:
            await follow_up()


class Transactions:
    """`timeout_ms` is how long one may take, all of its tries together."""

    def __init__(self, client: Client, timeout_ms: int) -> None:
        self._client, self._timeout_s = client, timeout_ms / 1000
        self._turns: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()

    async def run(self, about: UUID, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """`work` is called again where the server refused a try because of another that was under way.

        Those about the same thing take turns in this process: of 200 at once the server would refuse 199, over and
        over, for ten times as long, and give some of them up. Other processes are left to the server.
        """
        turn = self._turns.setdefault(about, asyncio.Lock())
        async with turn, self._client.start_session() as session:
            last = Transaction(session)

            async def attempt(session: Session) -> T:
                nonlocal last
                last = Transaction(session)
                return await work(last)

            with pymongo.timeout(self._timeout_s):
                done = await session.with_transaction(attempt, read_concern=ReadConcern("snapshot"))
        await last.follow_up()
        return done
