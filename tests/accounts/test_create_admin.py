"""`grome create-admin`: the only way to an admin account."""

import asyncio
import subprocess
from pathlib import Path

import httpx
import pytest

from config.settings import Settings
from grome.accounts.service import AccountService
from grome.common.errors import Invalid
from grome.infrastructure.container import Container
from tests.builders.people import PASSWORD, new_email, register
from tests.support.commands import run_command
from tests.support.processes import environment


def create_admin(settings: Settings, home: Path, email: str, password: str) -> subprocess.CompletedProcess[str]:
    env = environment(settings, home, GROME_NEW_PASSWORD=password)
    return run_command("create-admin", "--email", email, "--name", "Boss", env=env)


async def test_created_admin_has_the_rights_of_admins(
    http: httpx.AsyncClient, settings: Settings, tmp_path: Path
) -> None:
    email = new_email()
    done = await asyncio.to_thread(create_admin, settings, tmp_path, email, PASSWORD)
    assert done.returncode == 0, done.stderr
    assert email in done.stdout
    assert PASSWORD not in done.stdout + done.stderr

    answer = (await http.post("/v1/auth/login", json={"email": email, "password": PASSWORD})).json()
    assert answer["user"]["role"] == "admin"
    auth = {"Authorization": f"Bearer {answer['access_token']}"}
    created = await http.post("/v1/services", json={"name": f"By {email}", "category": "hair"}, headers=auth)
    assert created.status_code == 201


async def test_create_admin_with_a_taken_email_prints_one_sentence(
    http: httpx.AsyncClient, settings: Settings, tmp_path: Path
) -> None:
    person = await register(http)
    done = await asyncio.to_thread(create_admin, settings, tmp_path, person.email, PASSWORD)
    assert done.returncode == 2
    assert done.stderr == "grome: email: belongs to another account\n"


async def test_create_admin_with_an_invalid_email_prints_one_sentence(settings: Settings, tmp_path: Path) -> None:
    done = await asyncio.to_thread(create_admin, settings, tmp_path, "nobody", PASSWORD)
    assert done.returncode == 2
    assert done.stderr.startswith("grome: email: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(("email", "password", "field"), [("nobody", PASSWORD, "email"), (None, "short", "password")])
async def test_create_admin_applies_the_rules_of_registration(
    container: Container, email: str | None, password: str, field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await container.get(AccountService).create_admin(email or new_email(), "Boss", password)
    assert [name for name, _ in refused.value.faults] == [field]
