"""The checks of `grome doctor`: keys, servers, migrations and Stripe."""

import asyncio
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from pathlib import Path
from typing import Final

import msgspec
from pymongo.errors import PyMongoError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from config.settings import Settings
from grome import installed_version
from grome.accounts.country import Countries
from grome.accounts.service import AccountService
from grome.bookings.key_indexes import KeyIndexes, find_key_fault
from grome.cli.bootstrap import opened_container
from grome.cli.faults import mongo_sentence, redis_sentence
from grome.common.ids import new_hex_id
from grome.dev.demo_accounts.models import ADMIN_EMAIL
from grome.dev.embedded import MONGOD, VALKEY, CannotStart, Program, find_binary, read_version
from grome.infrastructure.container import Container
from grome.infrastructure.migrations import applied
from grome.infrastructure.ops.versions import read_mongo_server, read_redis_server
from grome.infrastructure.redis.client import RedisClients
from grome.infrastructure.signing_keys import SigningKeys
from grome.infrastructure.storage.protocol import Storage
from grome.infrastructure.stripe.client import StripeApi
from grome.infrastructure.stripe.errors import StripeRejectedError, StripeUnsureError
from grome.infrastructure.stripe.history import StripeHistory
from grome.migrations import MIGRATIONS

_SECONDS_FOR_REDIS: Final = 5


class Finding(msgspec.Struct, frozen=True):
    """The state of one dependency, in a sentence."""

    ok: bool
    subject: str
    text: str


def find_all(settings: Settings) -> list[Finding]:
    """Check everything that the settings name."""
    return [
        Finding(True, "Grome", f"{installed_version()} on Python {sys.version.split()[0]}, env {settings.env}"),
        *_servers(settings),
        *_keys(settings),
        *_countries(settings),
        *_stripe(settings),
    ]


def _servers(settings: Settings) -> list[Finding]:
    if settings.mongo.url and settings.redis.url:
        return asyncio.run(_list_server_findings(settings))
    return [
        _program(settings, settings.mongo.url, MONGOD, "MongoDB"),
        _program(settings, settings.redis.url, VALKEY, "Valkey"),
    ]


def _program(settings: Settings, url: str, program: Program, subject: str) -> Finding:
    """Without a URL `grome run` starts the server, so check that its program can be started."""
    if url:
        return Finding(True, subject, f"given by {program.url_setting}; not asked, because the other one is not set")
    try:
        binary = find_binary(program, Path(settings.home))
        version = read_version(program, binary)
    except CannotStart as error:
        return Finding(False, subject, str(error))
    return Finding(True, subject, f"{version}; `grome run` starts {binary}, because {program.url_setting} is not set")


async def _list_server_findings(settings: Settings) -> list[Finding]:
    async with opened_container(settings) as container:
        return [finding async for finding in _ask_servers(container)]


async def _ask_servers(container: Container) -> AsyncIterator[Finding]:
    try:
        mongo = await read_mongo_server(container.database)
        yield Finding(not mongo.fault, "MongoDB", mongo.fault or mongo.title)
        missing = {migration.number for migration in MIGRATIONS} - await applied(container.database)
        told = f"{len(missing)} to apply: run `grome migrate`" if missing else f"all {len(MIGRATIONS)} applied"
        yield Finding(not missing, "migrations", told)
        if not missing:
            for finding in await _key_findings(container):
                yield finding
        if container.settings.env == "production":
            exists = await container.get(AccountService).find_by_email(ADMIN_EMAIL) is not None
            told = f"{ADMIN_EMAIL} exists, and everybody knows its password" if exists else "none"
            yield Finding(not exists, "demo accounts", told)
    except PyMongoError as error:
        yield Finding(False, "MongoDB", mongo_sentence(error))
    clients = container.get(RedisClients)
    yield await _redis_finding("Valkey", clients.commands, "GROME_REDIS_URL")
    if container.settings.redis.queues_url:
        yield await _redis_finding("Valkey of the queues", clients.queues, "GROME_REDIS_QUEUES_URL")
    yield await _storage_finding(container)


async def _redis_finding(subject: str, client: Redis, setting: str) -> Finding:
    try:
        async with asyncio.timeout(_SECONDS_FOR_REDIS):  # the client of the queues waits for answers without end
            server = await read_redis_server(client)
    except RedisError as error:
        return Finding(False, subject, redis_sentence(error, setting))
    except TimeoutError:
        return Finding(False, subject, f"no answer within {_SECONDS_FOR_REDIS} s; is {setting} right?")
    return Finding(not server.fault, subject, server.fault or server.title)


async def _storage_finding(container: Container) -> Finding:
    """Write a file and delete it."""
    settings, storage = container.settings.storage, container.get(Storage)
    place = f"the bucket {settings.bucket}" if settings.kind == "s3" else f"a folder in {container.settings.home}"
    key = f"doctor/{new_hex_id()}"
    try:
        await storage.put(key, _one_chunk())
        await storage.delete(key)
    # Any error: the drivers of storages have many, and each is a finding.
    except Exception as error:  # noqa: BLE001
        code = getattr(error, "response", {}).get("Error", {}).get("Code")  # of AWS
        return Finding(False, "storage", f"{place} cannot be written ({code or type(error).__name__})")
    return Finding(True, "storage", f"{place} can be written")


async def _one_chunk() -> AsyncGenerator[bytes]:
    yield b"written by grome doctor"


async def _key_findings(container: Container) -> list[Finding]:
    """Compare the indexes on Idempotency-Keys with the settings; nothing if both are those of a replica set."""
    claims_keys, state = container.settings.mongo.sharded_bookings, await container.get(KeyIndexes).read()
    if fault := find_key_fault(state, claims_keys=claims_keys):
        return [Finding(False, "bookings on shards", fault)]
    if not claims_keys:
        return []
    told = "prepared" if state.is_replaced else "keys are claimed; once all processes do so, run `grome prepare-shards`"
    return [Finding(True, "bookings on shards", told)]


def _keys(settings: Settings) -> Iterator[Finding]:
    """Name the keys that are in use by their ids and numbers; settings with faulty keys are refused before."""
    accounts = settings.accounts
    if accounts.signing_key:
        current, *others = SigningKeys(accounts.signing_key, accounts.old_signing_keys).publics
        yield Finding(True, "signing keys", _keys_text(current, others, "verifies", "verify"))
    for name, text in (("secrets keys", accounts.secrets_keys), ("pepper", accounts.pepper)):
        if text:
            current, *others = (entry.partition(":")[0] for entry in text.split(","))
            yield Finding(True, name, _keys_text(current, others, "reads", "read"))


def _keys_text(current: str, others: list[str], one: str, many: str) -> str:
    return f"{current} is current" + (f"; {', '.join(others)} {many if others[1:] else one}" if others else "")


def _countries(settings: Settings) -> Iterator[Finding]:
    if path := settings.accounts.country_database:
        countries = Countries(path)
        countries.close()
        yield Finding(countries.is_open, "countries", path if countries.is_open else f"{path} cannot be read")


def _stripe(settings: Settings) -> list[Finding]:
    """Check keys and secrets of Stripe against each other and the environment; nothing if payments are off."""
    stripe = settings.stripe
    if not stripe.secret_key:
        return []
    is_live, is_production = "_live_" in stripe.secret_key, settings.env == "production"
    mode = "live" if is_live else "test"
    same = f"_{mode}_" in stripe.publishable_key
    secrets = "secret set" if stripe.webhook_secrets else "no secret"
    return [
        Finding(is_live == is_production, "Stripe's mode", f"a {mode} key in the environment {settings.env}"),
        Finding(
            same, "Stripe's publishable key", f"of the {mode} mode" if same else f"not of the {mode} mode, or not set"
        ),
        Finding(bool(stripe.webhook_secrets), "Stripe's webhook", secrets),
        asyncio.run(_call_stripe(settings)),
    ]


async def _call_stripe(settings: Settings) -> Finding:
    api = StripeApi(settings.stripe)
    try:
        balance = await StripeHistory(api).get_balance()
    except (StripeUnsureError, StripeRejectedError) as error:
        return Finding(False, "Stripe", str(error))
    finally:
        await api.close()
    return Finding(True, "Stripe", f"the key works; a balance in {', '.join(sorted(balance)) or 'no currency'}")
