"""`grome doctor` shows the configuration without its secrets."""

import asyncio
import re
import subprocess
from pathlib import Path

from config.settings import Settings, setting_fields
from grome.accounts.repository import UserRepository
from grome.dev.demo.people import admin_account
from grome.dev.demo_accounts.models import ADMIN_EMAIL
from grome.infrastructure.container import Container
from tests.builders.keys import new_secrets_key
from tests.support.commands import run_command
from tests.support.processes import environment


def doctor(settings: Settings, home: Path, *options: str, **changed: str) -> subprocess.CompletedProcess[str]:
    return run_command("doctor", *options, env={**environment(settings, home, **changed), "COLUMNS": "40"})


async def test_doctor_lists_every_setting_and_the_reachable_dependencies(
    settings: Settings,
    database: None,  # noqa: ARG001 -- it says too whether the database is up to date
    tmp_path: Path,
) -> None:
    done = await asyncio.to_thread(doctor, settings, tmp_path, "--all")
    assert done.returncode == 0, done.stdout + done.stderr
    for leaf in setting_fields():
        assert f"  {leaf.variable} = " in done.stdout
        assert leaf.description in done.stdout
    assert done.stdout.startswith("Ready")
    assert re.search(r"MongoDB +MongoDB \d+\.\d+\.\d+, replica set \w+$", done.stdout, re.MULTILINE)
    assert re.search(r"Valkey +(Valkey|Redis) \d+\.\d+\.\d+$", done.stdout, re.MULTILINE)
    assert re.search(r"storage +a folder in .* can be written$", done.stdout, re.MULTILINE)
    assert re.search(r"migrations +all \d+ applied$", done.stdout, re.MULTILINE)
    assert settings.mongo.database in done.stdout


def test_doctor_without_all_lists_changed_settings_and_the_source_of_each(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "port").write_text("8123")
    done = doctor(settings, tmp_path, GROME_HTTP_PORT="", GROME_HTTP_PORT_FILE=str(tmp_path / "port"))
    lines = done.stdout.splitlines()
    assert f"  GROME_HTTP_PORT = 8123  [GROME_HTTP_PORT_FILE, {tmp_path / 'port'}]" in lines
    assert "  GROME_LIMITS_CODES = 10000000  [config/test.env]" in lines
    assert "  GROME_ENV = test  [environment]" in lines
    assert "GROME_PAYMENTS_TAX_BP" not in done.stdout
    assert "--all shows the rest" in done.stdout


async def test_doctor_in_production_reports_demo_accounts(
    settings: Settings, container: Container, tmp_path: Path
) -> None:
    users = UserRepository(container.database)
    await users.add_many([admin_account("$2b$04$" + "a" * 53)])
    production = {
        "GROME_ENV": "production",
        "GROME_ACCOUNTS_BCRYPT_ROUNDS": "12",
        "GROME_HTTP_PUBLIC_URL": "https://api.grome.shop",
        "GROME_MAIL_SENDER": "no-reply@grome.shop",
        "GROME_MAIL_TRANSPORT": "smtp",
        "GROME_ACCOUNTS_REQUIRE_SECOND_FACTOR": "true",
        "GROME_BARBERS_APPROVAL": "admin",
    }
    try:
        done = await asyncio.to_thread(doctor, settings, tmp_path, **production)
    finally:
        await container.database["users"].delete_one({"email": ADMIN_EMAIL})
    assert done.returncode == 2, done.stdout + done.stderr
    assert "  no  demo accounts  " in done.stdout.partition("Dependencies")[0]


def test_doctor_names_keys_by_number_and_settings_from_files(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "pepper").write_text(settings.accounts.pepper)
    (tmp_path / "countries.mmdb").write_text("no database")
    done = doctor(
        settings,
        tmp_path,
        GROME_ACCOUNTS_SECRETS_KEYS=f"{new_secrets_key(7)},0",
        GROME_ACCOUNTS_PEPPER="",
        GROME_ACCOUNTS_PEPPER_FILE=str(tmp_path / "pepper"),
        GROME_ACCOUNTS_COUNTRY_DATABASE=str(tmp_path / "countries.mmdb"),
    )
    assert done.returncode == 2, done.stdout + done.stderr
    shown = " ".join(done.stdout.split())
    for told in ("7 is current; 0 reads", "countries.mmdb cannot be read", "GROME_ACCOUNTS_PEPPER_FILE"):
        assert told in shown
    assert settings.accounts.pepper not in done.stdout + done.stderr


def test_doctor_hides_secrets_and_passwords_in_urls(settings: Settings, tmp_path: Path) -> None:
    secrets = {
        "mongo": "m0ngo-p%40ss",
        "redis": "r3dis-pass",
        "query": "qu3ry@pass",
        "option": "0ption",
        "queues": "qu3ues-pass",
    }
    (tmp_path / "files").write_text("not a folder")
    done = doctor(
        settings,
        tmp_path,
        GROME_MONGO_URL=f"mongodb://someone:{secrets['mongo']}@127.0.0.1:1/?appName={secrets['option']}",
        GROME_REDIS_URL=f"redis://:{secrets['redis']}@127.0.0.1:1/0?password={secrets['query']}",
        GROME_REDIS_QUEUES_URL=f"redis://:{secrets['queues']}@127.0.0.1:1",
        GROME_MONGO_TIMEOUT_MS="100",
    )
    assert done.returncode == 2
    assert re.match(r"Not ready: 4 faults.\n  no  MongoDB +MongoDB cannot be reached: 127.0.0.1:1: ", done.stdout)
    assert re.search(r"no  Valkey of the queues  .*GROME_REDIS_QUEUES_URL", done.stdout)
    assert re.search(r"no  storage +a folder in .* cannot be written \(Unavailable\)$", done.stdout, re.MULTILINE)
    shown = done.stdout + done.stderr
    for secret in (
        *secrets.values(),
        "qu3ry",
        settings.accounts.signing_key,
        settings.accounts.signing_key.splitlines()[1],
    ):
        assert secret not in shown
    assert "someone" in shown
    assert "(set, hidden)" in shown
    assert "127.0.0.1:1" in shown


def test_doctor_with_invalid_environment_prints_each_fault_and_exits_with_2(settings: Settings, tmp_path: Path) -> None:
    done = doctor(settings, tmp_path, GROME_HTTP_PORT="http", GROME_MONGO_URI="x")
    assert done.returncode == 2
    assert [line.split()[:2] for line in done.stderr.splitlines()] == [
        ["grome:", "GROME_HTTP_PORT"],
        ["grome:", "GROME_MONGO_URI"],
    ]
