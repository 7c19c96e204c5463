"""Reset of factors after their loss: by the service that admin routes use, and by `grome reset-factors`."""

import asyncio
import subprocess
from datetime import datetime
from pathlib import Path

import httpx
import pytest

from config.settings import Settings
from grome.factors.service import FactorService
from grome.infrastructure.container import Container
from tests.builders.factors import add_app, add_passkey, login
from tests.builders.people import register
from tests.conftest import AdjustableClock
from tests.support.commands import run_command
from tests.support.processes import environment


@pytest.fixture
def now(clock: AdjustableClock) -> datetime:
    clock.stopped = clock()
    return clock.stopped


def reset_factors(settings: Settings, home: Path, email: str) -> subprocess.CompletedProcess[str]:
    return run_command("reset-factors", "--email", email, env=environment(settings, home))


async def test_reset_removes_all_factors_and_ends_all_sessions(
    http: httpx.AsyncClient, container: Container, now: datetime
) -> None:
    app = await add_app(http, await register(http), now)
    await add_passkey(http, app.person)
    assert await container.get(FactorService).reset(app.person.id, None)
    assert (await http.get("/v1/me", headers=app.person.auth)).status_code == 401
    assert (await login(http, app.person)).status_code == 200
    assert not await container.get(FactorService).reset(app.person.id, None)


async def test_reset_by_the_command_line_removes_the_factors(
    http: httpx.AsyncClient, settings: Settings, tmp_path: Path
) -> None:
    person = await register(http)
    await add_passkey(http, person)
    done = await asyncio.to_thread(reset_factors, settings, tmp_path, person.email)
    assert done.returncode == 0, done.stderr
    assert (await login(http, person)).status_code == 200
