"""Clients of servers, and the parts that need nothing else."""

from functools import partial

from grome.infrastructure.container import Container, Providers
from grome.infrastructure.jobs.models import Queue
from grome.infrastructure.mongo.budgets import Budgets
from grome.infrastructure.mongo.client import Client, Database, close_mongo, database, open_mongo
from grome.infrastructure.mongo.transactions import Transactions
from grome.infrastructure.rate_limits.limiter import RateLimits
from grome.infrastructure.redis.client import (
    Namespace,
    RedisClients,
    open_redis,
    open_subscribing_redis,
    open_waiting_redis,
)
from grome.infrastructure.redis.stored_counts import StoredCounts
from grome.infrastructure.secret_keys import SecretKeys
from grome.infrastructure.signing_keys import SigningKeys
from grome.infrastructure.storage.links import FileLinks
from grome.infrastructure.storage.opening import open_storage
from grome.infrastructure.storage.protocol import Storage

clients = Providers()


@clients.provide
def mongo(container: Container) -> Client:
    client = open_mongo(container.settings.mongo)
    container.close_with(partial(close_mongo, client))
    return client


@clients.provide
def mongo_database(container: Container) -> Database:
    return database(container.get(Client), container.settings.mongo)


@clients.provide
def transactions(container: Container) -> Transactions:
    return Transactions(container.get(Client), container.settings.mongo.timeout_ms)


@clients.provide
def budgets(container: Container) -> Budgets:
    return Budgets(container.database, container.clock)


@clients.provide
def namespace(container: Container) -> Namespace:
    return Namespace.of(container.settings)


@clients.provide
def redis_clients(container: Container) -> RedisClients:
    settings = container.settings
    opened = RedisClients(
        commands=open_redis(settings.redis),
        subscriptions=open_subscribing_redis(settings.redis),
        queues=open_waiting_redis(settings.redis, len(Queue) * settings.jobs.concurrency),
    )
    for client in (opened.commands, opened.subscriptions, opened.queues):
        container.close_with(client.aclose)
    return opened


@clients.provide
def rate_limits(container: Container) -> RateLimits:
    started = RateLimits(container.settings, container.get(RedisClients).commands, container.get(Namespace))
    started.start()
    container.close_with(started.close)
    return started


@clients.provide
def stored_counts(container: Container) -> StoredCounts:
    counts = StoredCounts(container.get(RedisClients).commands, container.get(Namespace))
    container.close_with(counts.store_rest)
    return counts


@clients.provide
def signing_keys(container: Container) -> SigningKeys:
    settings = container.settings.accounts
    return SigningKeys(settings.signing_key, settings.old_signing_keys)


@clients.provide
def secret_keys(container: Container) -> SecretKeys:
    return SecretKeys(container.get(SigningKeys).pems, container.settings.accounts.secrets_keys)


@clients.provide
def file_links(container: Container) -> FileLinks:
    return FileLinks(container.get(SecretKeys), container.settings.http.api_base, container.clock)


@clients.provide
def storage(container: Container) -> Storage:
    opened = open_storage(container.settings, container.get(FileLinks))
    container.close_with(opened.close)
    return opened
