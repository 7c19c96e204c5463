"""Unpublished changes show within 30 seconds, and at once after a lost connection."""

import asyncio
import time

import httpx
from redis.asyncio import Redis

from config.settings import Settings
from grome.infrastructure.container import Container
from grome.nearby.cell_cache import FRESH_FOR_S, REFRESH_AFTER_S
from tests.builders.chairs import chair, is_online
from tests.faults.conftest import OwnServers, listening
from tests.support.app import serve_app
from tests.support.eventually import overload, until
from tests.support.http_client import http_client

PLACE = (-40.0, 80.0)


async def test_change_with_a_lost_message_is_shown_after_a_reload(
    own_settings: Settings, http: httpx.AsyncClient, here: Container
) -> None:
    """The first process is searched all the time, the second before the change and when its cells are stale."""
    one = await chair(here, PLACE)
    async with (
        serve_app(own_settings) as other_app,
        http_client(other_app.ctx.base_url) as other,
    ):
        await until(lambda: listening(other_app.ctx.container))
        await asyncio.sleep(1)  # a process that has just subscribed reloads its cells
        assert not await is_online(http, one)
        assert not await is_online(other, one)
        read = time.monotonic()
        await one.turn_untold(here, online=True)

        await until(lambda: is_online(http, one), within_s=30 * overload())
        await asyncio.sleep(max(0.0, read + FRESH_FOR_S - time.monotonic()))
        assert await is_online(other, one)


async def test_change_during_a_lost_connection_is_shown_at_once(
    own: OwnServers, http: httpx.AsyncClient, here: Container
) -> None:
    one = await chair(here, PLACE)
    assert not await is_online(http, one)
    await one.turn_untold(here, online=True)
    assert not await is_online(http, one)
    async with Redis.from_url(own.redis.url) as redis:
        assert await redis.execute_command("CLIENT", "KILL", "TYPE", "pubsub") > 0
    # Far less than the age from which the place would be loaded anew without the loss.
    await until(lambda: is_online(http, one), within_s=REFRESH_AFTER_S / 2)
    await until(lambda: listening(here))
