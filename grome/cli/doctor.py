"""`grome doctor`: the settings, and the state of all dependencies."""

import asyncio
import os
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from config.loading import FILE_SUFFIX
from config.settings import Settings, setting_fields
from grome.accounts.country import Countries
from grome.composition import open_container
from grome.dev.embedded import MONGOD, VALKEY, CannotStart, find_binary
from grome.infrastructure.migrations import applied
from grome.infrastructure.ops.health import check
from grome.infrastructure.signing_keys import SigningKeys
from grome.infrastructure.stripe.client import StripeApi
from grome.infrastructure.stripe.errors import StripeRejectedError, StripeUnsureError
from grome.infrastructure.stripe.history import StripeHistory
from grome.migrations import MIGRATIONS

Finding = tuple[bool, str, str]


def examine(settings: Settings, console: Console) -> bool:
    """Print both tables; return False if a dependency is missing."""
    console.print(_settings_table(settings))
    findings = [
        _python(),
        *_check_keys(settings),
        *_check_countries(settings),
        *_servers(settings),
        *_check_stripe(settings),
    ]
    table = Table("", "dependency", "finding", title="Dependencies")
    for ok, what, finding in findings:
        table.add_row("[green]ok[/]" if ok else "[red]no[/]", what, finding)
    console.print(table)
    return all(ok for ok, _, _ in findings)


def _settings_table(settings: Settings) -> Table:
    table = Table("setting", "value", "source", "description", title="Settings")
    for leaf in setting_fields():
        value: object = settings
        for name in leaf.path:
            value = getattr(value, name)
        table.add_row(
            leaf.variable, _display(str(value), secret=leaf.secret), _source_of(leaf.variable), leaf.description
        )
    return table


def _source_of(variable: str) -> str:
    if variable + FILE_SUFFIX in os.environ:
        return variable + FILE_SUFFIX
    return "environment" if variable in os.environ else "file or default"


def _display(value: str, *, secret: bool) -> str:
    """Hide secrets, and the password and the options of a URL, since options may hold another password."""
    if secret:
        return "(set, hidden)" if value else "(not set)"
    scheme, found, rest = value.partition("://")
    if not found:
        return value
    address, asked, options = rest.partition("?")
    if "@" in options:  # the end of the password cannot be found
        return f"{scheme}://…"
    login, at, place = address.rpartition("@")
    return f"{scheme}://{login.partition(':')[0] + ':…@' if at else ''}{place}{'?…' if asked else ''}"


def _python() -> Finding:
    return True, "Python", sys.version.split()[0]


def _check_keys(settings: Settings) -> list[Finding]:
    """Name the keys that are in use by their ids and numbers; settings with faulty keys are refused before."""
    accounts, findings = settings.accounts, list[Finding]()
    if accounts.signing_key:
        current, *others = SigningKeys(accounts.signing_key, accounts.old_signing_keys).publics
        findings.append((True, "signing keys", _keys_text(current, others, "verifies", "verify")))
    for name, text in (("secrets keys", accounts.secrets_keys), ("pepper", accounts.pepper)):
        if text:
            current, *others = (entry.partition(":")[0] for entry in text.split(","))
            findings.append((True, name, _keys_text(current, others, "reads", "read")))
    return findings


def _check_countries(settings: Settings) -> list[Finding]:
    path = settings.accounts.country_database
    if not path:
        return []
    countries = Countries(path)
    countries.close()
    return [(countries.is_open, "countries", path if countries.is_open else f"{path} cannot be read")]


def _keys_text(current: str, others: list[str], one: str, many: str) -> str:
    return f"{current} is current" + (f"; {', '.join(others)} {many if others[1:] else one}" if others else "")


def _servers(settings: Settings) -> list[Finding]:
    if settings.mongo.url and settings.redis.url:
        return asyncio.run(_check_servers(settings))
    return [
        _check_binary(settings, settings.mongo.url, "mongod", "GROME_MONGO_URL"),
        _check_binary(settings, settings.redis.url, "valkey-server", "GROME_REDIS_URL"),
    ]


async def _check_servers(settings: Settings) -> list[Finding]:
    container = await open_container(settings)
    try:
        verdict = await check(container)
        findings: list[Finding] = [
            (answer.ok, name, f"answers in {answer.ms} ms" if answer.ok else answer.fault or "")
            for name, answer in verdict.dependencies.items()
        ]
        if verdict.dependencies["mongodb"].ok:
            missing = {migration.number for migration in MIGRATIONS} - await applied(container.database)
            told = f"{len(missing)} to apply: run `grome migrate`" if missing else "all applied"
            findings.append((not missing, "migrations", told))
        return findings
    finally:
        await container.close()


def _check_stripe(settings: Settings) -> list[Finding]:
    """Check keys and secrets of Stripe against each other and the environment; nothing if payments are off."""
    stripe = settings.stripe
    if not stripe.secret_key:
        return []
    is_live, is_production = "_live_" in stripe.secret_key, settings.env == "production"
    mode = "live" if is_live else "test"
    same = f"_{mode}_" in stripe.publishable_key
    return [
        (is_live == is_production, "Stripe's mode", f"a {mode} key in the environment {settings.env}"),
        (same, "Stripe's publishable key", f"of the {mode} mode" if same else f"not of the {mode} mode, or not set"),
        (bool(stripe.webhook_secrets), "Stripe's webhook", "secret set" if stripe.webhook_secrets else "no secret"),
        (not (stripe.url and is_production), "Stripe's address", stripe.url or "its own"),
        asyncio.run(_call_stripe(settings)),
    ]


async def _call_stripe(settings: Settings) -> Finding:
    api = StripeApi(settings.stripe)
    try:
        balance = await StripeHistory(api).get_balance()
    except (StripeUnsureError, StripeRejectedError) as error:
        return False, "Stripe", str(error)
    finally:
        await api.close()
    return True, "Stripe", f"the key works; a balance in {', '.join(sorted(balance)) or 'no currency'}"


def _check_binary(settings: Settings, url: str, server: str, variable: str) -> Finding:
    """Without a URL `grome run` starts the server, so check that its program can be started."""
    if url:
        return True, server, f"given by {variable}; not asked, because the other one is not set"
    try:
        binary = find_binary(MONGOD if server == "mongod" else VALKEY, Path(settings.home))
    except CannotStart as error:
        return False, server, str(error)
    return True, server, f"{variable} is not set; `grome run` starts {binary}"
