"""One side of a visit with a live connection, through the reference client."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import UUID

from grome.dev.demo.api_client import ApiClient, BrokenPromise
from grome.live_client.client import LiveClient
from grome.live_client.items import Event, LiveClosed, LiveItem, Reload, Signal

Data = dict[str, Any]
_PATIENCE_S: Final = 30
_USER: Final = "user"


class LiveSide:
    """Finds items of the client, and keeps the items before them: events and signals have no common order."""

    def __init__(self, client: LiveClient, name: str) -> None:
        self.client, self._name = client, name
        self._kept: list[LiveItem] = []

    async def join(self, room: str) -> None:
        """Subscribe to a room, and wait until its events come."""
        self.client.subscribe(room)
        await self._find(lambda item: item == Reload(room), f"the room {room}")

    async def see_event(self, kind: str, booking_id: UUID, **fields: object) -> Data:
        """Return the data of the next event of a type about a booking, with these fields."""

        def is_it(item: LiveItem) -> bool:
            return (
                isinstance(item, Event)
                and (item.room, item.data["type"], item.data["subject"]) == (_USER, kind, str(booking_id))
                and fields.items() <= item.data["data"].items()
            )

        event = await self._find(is_it, kind)
        assert isinstance(event, Event)  # noqa: S101 -- for the type checker
        data: Data = event.data["data"]
        return data

    async def see_position(self) -> Data:
        signal = await self._find(lambda item: isinstance(item, Signal) and item.kind == "where", "the position")
        assert isinstance(signal, Signal)  # noqa: S101 -- for the type checker
        return signal.data

    async def _find(self, is_it: Callable[[LiveItem], bool], sight: str) -> LiveItem:
        """Return the first item that fits, and drop it. Raises BrokenPromise if none comes."""
        found = next(filter(is_it, self._kept), None)
        if found:
            self._kept.remove(found)
            return found
        try:
            async with asyncio.timeout(_PATIENCE_S):
                while not is_it(item := await anext(self.client)):
                    self._kept.append(item)
        except LiveClosed as closed:
            raise BrokenPromise(f"The {self._name}'s live connection is {closed}.") from None
        except TimeoutError:
            sentence = f"The {self._name} does not see {sight} within {_PATIENCE_S} seconds; does a job worker run?"
            raise BrokenPromise(sentence) from None
        return item


@asynccontextmanager
async def connect_side(visitor: ApiClient, name: str) -> AsyncIterator[LiveSide]:
    """Connect as a signed-in visitor, and join the visitor's own room."""
    url = str(visitor.http.base_url).rstrip("/").replace("http", "ws", 1)

    async def access_token() -> str:
        return visitor.token or ""  # it lives longer than the story

    async with LiveClient(f"{url}/v1/live", access_token) as client:
        side = LiveSide(client, name)
        await side.join(_USER)
        yield side
