"""The relay dispatches all events, so these tests have a Grome of their own."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from config.settings import Settings
from grome.composition.projection import PROJECTION
from grome.infrastructure.container import Container
from grome.infrastructure.outbox.deferred_events import DeferredEvents
from grome.infrastructure.outbox.models import ChangeRecord, Event
from grome.infrastructure.outbox.relay import Relay, Subscriber
from grome.infrastructure.outbox.repository import RelayRepository
from grome.realtime.event_data import EventData
from grome.realtime.models import RoomEvent
from grome.realtime.streams import LivePublisher, StreamPublisher
from tests.support.app import apart, app, container, database, http

__all__ = ["app", "container", "database", "http"]


@pytest.fixture(scope="session")
def settings(settings: Settings) -> Settings:
    return apart(settings, "live", 3)


class Collector:
    """Loads the data of events as the relay dispatches them, and keeps the events."""

    def __init__(self, data: EventData) -> None:
        self.data = data
        self.events: list[Event] = []
        self.told: list[RoomEvent] = []

    async def handle(self, events: Sequence[Event]) -> None:
        self.told += await self.data.load(events)
        self.events += events

    def has(self, subject: str, versions: list[int]) -> bool:
        """Return whether the subject has had events of exactly these versions."""
        return [event.version for event in self.events if str(event.subject_id) == subject] == versions

    def types_in(self, room: str) -> list[str]:
        return [event["type"] for event in frames(self.told, room)]


def frames(events: Iterable[RoomEvent], room: str) -> list[dict[str, Any]]:
    return [json.loads(event.payload) for event in events if event.room == room]


async def no_caches(_changes: Sequence[ChangeRecord]) -> None:
    """Caches of this process hear of changes directly."""


@pytest.fixture
async def collector(container: Container) -> AsyncIterator[Collector]:
    collector = Collector(container.get(EventData))
    async with relaying(container, collector):
        yield collector


@pytest.fixture
async def live_relay(container: Container) -> AsyncIterator[None]:
    """Relay events to the streams of rooms."""
    async with relaying(container, StreamPublisher(container.get(LivePublisher), container.get(EventData))):
        yield


@asynccontextmanager
async def relaying(container: Container, subscriber: Subscriber) -> AsyncIterator[None]:
    repository = RelayRepository(container.database)
    relay = Relay(
        repository, PROJECTION, {"subscriber": subscriber}, no_caches, container.get(DeferredEvents), container.clock
    )
    task = asyncio.create_task(relay.run())
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
