"""`grome run`: everything on this machine."""

import asyncio
import os
import sys
from pathlib import Path

import click
import msgspec
from rich.console import Console

from config.loading import load_settings
from config.settings import Settings
from grome.cli.bootstrap import needs_local_stripe, with_keys
from grome.cli.preparation import migrate_database, seed_demo
from grome.cli.run import serve_as_child, stop_on_signals
from grome.cli.running_api import noted_url
from grome.cli.serving import require_free_port
from grome.dev.embedded import EmbeddedServers, embedded_servers

console = Console(highlight=False)


@click.command()
def run() -> None:
    """Start everything on this machine: MongoDB, Valkey, demo data, API and job worker.

    Data, keys and logs are kept under GROME_HOME (.grome/). Ctrl-C ends all of it. With port 8000 busy:

    GROME_HTTP_PORT=8080 grome run
    """
    settings = load_settings(os.environ)
    home = Path(settings.home)
    stop_on_signals()
    with embedded_servers(
        home,
        mongo_port=settings.mongo.port or None,
        redis_port=settings.redis.port or None,
        need_mongo=not settings.mongo.url,
        need_redis=not settings.redis.url,
        stripe_webhook_url=f"{settings.http.own_base}/v1/stripe/webhook" if needs_local_stripe(settings) else None,
        stripe_port=settings.stripe.port or None,
    ) as servers:
        require_free_port(settings.http.host, settings.http.port)  # after the processes of a killed run were ended
        settings = _with_servers(settings, servers)
        settings = with_keys(settings)
        for product, version in servers.versions.items():
            console.print(f"Started {product} {version}")
        console.print(f"Data, keys and logs are kept in {home.resolve()}", soft_wrap=True)
        asyncio.run(_prepare(settings))
        with noted_url(home, settings.http.own_base):
            sys.exit(serve_as_child(_environment(settings)))


async def _prepare(settings: Settings) -> None:
    await migrate_database(settings, console)
    await seed_demo(settings, console)


def _with_servers(settings: Settings, servers: EmbeddedServers) -> Settings:
    mongo = msgspec.structs.replace(settings.mongo, url=servers.mongo_url or settings.mongo.url)
    redis = msgspec.structs.replace(settings.redis, url=servers.redis_url or settings.redis.url)
    stripe = settings.stripe
    if servers.stripe:
        keys = servers.stripe.keys
        stripe = msgspec.structs.replace(
            stripe,
            url=servers.stripe.url,
            secret_key=keys.secret_key,
            publishable_key=keys.publishable_key,
            webhook_secrets=keys.webhook_secret,
        )
    return msgspec.structs.replace(settings, mongo=mongo, redis=redis, stripe=stripe)


def _environment(settings: Settings) -> dict[str, str]:
    """Return the settings of the started servers as `grome serve` reads them."""
    return {
        "GROME_MONGO_URL": settings.mongo.url,
        "GROME_REDIS_URL": settings.redis.url,
        "GROME_STRIPE_URL": settings.stripe.url,
        "GROME_STRIPE_SECRET_KEY": settings.stripe.secret_key,
        "GROME_STRIPE_PUBLISHABLE_KEY": settings.stripe.publishable_key,
        "GROME_STRIPE_WEBHOOK_SECRETS": settings.stripe.webhook_secrets,
    }
