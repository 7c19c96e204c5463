"""Figures of live connections, as the monitoring reads them."""

from typing import Final

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from grome.app import App
from grome.infrastructure.container import Container
from grome.infrastructure.redis.client import Namespace, RedisClients
from grome.infrastructure.redis.stored_counts import StoredCounts
from grome.realtime.figures import LiveFigures
from tests.builders.people import create_admin, register
from tests.support.eventually import until
from tests.support.live import live_socket

NAMES: Final = ("grome_live_connections", "grome_live_position_age_seconds", "grome_live_opened", "grome_live_resumes")


async def figures(http: httpx.AsyncClient, auth: dict[str, str]) -> dict[str, float]:
    """Return the figures of live connections, those with several labels as a sum."""
    answer = await http.get("/metrics", headers=auth)
    assert answer.status_code == 200, answer.text
    found = dict.fromkeys(NAMES, 0.0)
    for family in text_string_to_metric_families(answer.text):
        if family.name in found:
            found[family.name] = sum(sample.value for sample in family.samples)
    return found


async def test_metrics_sum_the_live_connections_of_all_processes(
    app: App, http: httpx.AsyncClient, container: Container
) -> None:
    boss, customer = await create_admin(http, container), await register(http)
    other = LiveFigures(container.get(RedisClients).commands, container.get(Namespace))
    before = await figures(http, boss.auth)
    async with live_socket(app, customer, "user") as socket:
        (joined,) = await socket.subscribe("user")
        await socket.subscribe({name: joined[name] for name in ("room", "epoch", "offset")})
        await other.store(7, 0)
        await container.get(StoredCounts).store()

        async def counts_both() -> bool:
            return (await figures(http, boss.auth))["grome_live_connections"] >= 8

        await until(counts_both)  # this process stores its figures every five seconds
        after = await figures(http, boss.auth)
    await other.remove()

    assert after["grome_live_opened"] > before["grome_live_opened"]
    assert after["grome_live_resumes"] > before["grome_live_resumes"]
    assert after["grome_live_position_age_seconds"] == pytest.approx(1.7e9, rel=0.2)  # the other process's
