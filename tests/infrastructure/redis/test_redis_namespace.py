"""Several Gromes on one Redis server neither hear each other nor share a key."""

import pytest
from msgspec.structs import replace

from config.sections.servers import RedisSettings
from config.settings import Settings
from grome.barbers.change_feed import BarberChange, BarberChangeFeed
from grome.cli.bootstrap import opened_container
from grome.common.clock import system_clock
from grome.common.ids import new_id
from grome.infrastructure.jobs.job_queue import JobQueue
from grome.infrastructure.jobs.models import NewJob
from grome.infrastructure.outbox.models import Event, EventType
from grome.infrastructure.redis.client import Namespace, RedisClients
from grome.realtime.event_data import EventData
from grome.realtime.streams import LivePublisher, StreamPublisher
from tests.builders.jobs import new_kind
from tests.builders.world import build_barber
from tests.support.eventually import until

NAMESPACES = [
    ("redis://127.0.0.1/0", "", Namespace("grome", 0), "grome:x"),
    ("redis://127.0.0.1/3", "", Namespace("grome", 3), "grome:3:x"),
    ("redis://127.0.0.1", "shop", Namespace("shop", 0), "shop:x"),
    ("redis://127.0.0.1?db=2", "shop", Namespace("shop", 2), "shop:2:x"),
    ("", "", Namespace("grome", 0), "grome:x"),
]


class ChangeRecorder:
    def __init__(self) -> None:
        self.changes: list[BarberChange] = []

    def on_change(self, change: BarberChange) -> None:
        self.changes.append(change)

    def on_gap(self) -> None:
        """Nothing is kept here that could be stale."""


def on_database(settings: Settings, number: int, namespace: str = "") -> Settings:
    url = f"{settings.redis.url.rpartition('/')[0]}/{number}"
    return replace(settings, redis=replace(settings.redis, url=url, namespace=namespace))


@pytest.mark.parametrize(("url", "name", "expected", "channel"), NAMESPACES)
def test_namespace_follows_settings(url: str, name: str, expected: Namespace, channel: str) -> None:
    settings = replace(Settings(), redis=RedisSettings(url=url, namespace=name))
    assert Namespace.of(settings) == expected
    assert expected.channel("x") == channel


async def test_process_on_another_database_receives_no_messages(settings: Settings) -> None:
    other = on_database(settings, 9)
    async with (
        opened_container(settings) as one,
        opened_container(settings) as sibling,
        opened_container(other) as stranger,
    ):
        heard_by_sibling, heard_by_stranger = ChangeRecorder(), ChangeRecorder()
        sibling_feed, stranger_feed = sibling.get(BarberChangeFeed), stranger.get(BarberChangeFeed)
        sibling_feed.subscribe(heard_by_sibling)
        stranger_feed.subscribe(heard_by_stranger)
        await until(lambda: sibling_feed.listening and stranger_feed.listening)

        change = BarberChange(build_barber((52.5, 13.4), services=[]))
        await one.get(BarberChangeFeed).publish(change)
        await until(lambda: bool(heard_by_sibling.changes))
        # Its own, which comes after what it must not hear.
        own = BarberChange(build_barber((52.5, 13.4), services=[]))
        await stranger_feed.publish(own)

        assert heard_by_sibling.changes == [change]
        assert heard_by_stranger.changes in ([own], [own, own])  # at once, and perhaps over Redis already


async def test_every_redis_key_begins_with_the_namespace(settings: Settings) -> None:
    """Includes the keys of the job queues: their library has a prefix of its own."""
    async with opened_container(on_database(settings, 8, "shop-7")) as container:
        await container.get(RedisClients).commands.flushdb()
        job = NewJob(new_id().hex, new_kind(), {})
        await container.get(JobQueue).add(job)
        event = Event(
            id=new_id(),
            type=EventType.ACCOUNT_REGISTERED,
            at=system_clock(),
            subject_id=new_id(),
            version=1,
            people=(new_id(),),
        )
        await StreamPublisher(container.get(LivePublisher), container.get(EventData)).handle([event])
        keys = [key.decode() async for key in container.get(RedisClients).commands.scan_iter()]
        await container.get(RedisClients).commands.flushdb()
        await container.get(JobQueue).drop(job.id)
    assert len(keys) > 3
    assert [key for key in keys if not key.startswith("shop-7:")] == []
