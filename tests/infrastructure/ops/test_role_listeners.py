"""Health and metrics of `grome worker` and `grome relay`, which have no API, as real processes."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from config.settings import Settings
from grome.cli.serving import require_free_port
from grome.dev.embedded.errors import CannotStart
from tests.support.eventually import PATIENCE_S, START_PATIENCE_S, until
from tests.support.http_client import http_client
from tests.support.processes import environment, free_port

TOKEN: Final = "a-token-of-the-monitoring"
SCRAPER: Final = {"Authorization": f"Bearer {TOKEN}"}
ROLES: Final = ("worker", "relay")


@contextmanager
def role(settings: Settings, name: str, home: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run the role; `<home>/<name>.log` gets its output."""
    env = environment(settings, home, GROME_HTTP_METRICS_TOKEN=TOKEN, GROME_JOBS_HTTP_PORT=str(port))
    with (home / f"{name}.log").open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "grome", name], env=env, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_S)


async def answers(http: httpx.AsyncClient) -> bool:
    try:
        return (await http.get("/health/live")).status_code == 200
    except httpx.TransportError:
        return False


async def is_ready(http: httpx.AsyncClient) -> bool:
    ready = await http.get("/health/ready")
    assert ready.json()["dependencies"]["mongodb"]["required"]
    return ready.status_code == 200


async def samples(http: httpx.AsyncClient) -> dict[tuple[str, ...], float]:
    response = await http.get("/metrics", headers=SCRAPER)
    assert response.status_code == 200, response.text
    # Labels are in the order of the alphabet.
    families = text_string_to_metric_families(response.text)
    return {(each.name, *each.labels.values()): each.value for family in families for each in family.samples}


async def has_measured(http: httpx.AsyncClient, name: str) -> bool:
    """Return whether the event loop of the process has been measured."""
    return (await samples(http)).get(("grome_event_loop_lag_seconds_count", name), 0) > 0


async def test_worker_and_relay_answer_health_and_metrics(settings: Settings, database: None, tmp_path: Path) -> None:  # noqa: ARG001
    ports = {name: free_port() for name in ROLES}
    with (
        role(settings, "worker", tmp_path, ports["worker"]) as worker,
        role(settings, "relay", tmp_path, ports["relay"]) as relay,
    ):
        for name in ROLES:
            async with http_client(f"http://127.0.0.1:{ports[name]}") as http:
                await until(lambda http=http: answers(http), within_s=START_PATIENCE_S)
                await until(lambda http=http: is_ready(http))
                assert (await http.get("/metrics")).status_code == 401
                assert (await http.get("/v1/bookings")).status_code == 404
                await until(lambda http=http, name=name: has_measured(http, name))
                found = await samples(http)
                assert ("grome_process_start_time_seconds", name) in found
                assert found["grome_http_requests_total", "GET", "/health/ready", "200"] > 0
                assert found["grome_http_requests_total", "GET", "none", "404"] == 1
                assert ("grome_metrics_up", "relay") in found
    assert (worker.returncode, relay.returncode) == (0, 0)


def test_port_of_a_role_that_is_in_use_is_named_with_its_setting(settings: Settings) -> None:
    taken = urlsplit(settings.redis.url).port
    assert taken
    with pytest.raises(CannotStart, match="set GROME_JOBS_HTTP_PORT to a free one"):
        require_free_port("127.0.0.1", taken, "GROME_JOBS_HTTP_PORT")
