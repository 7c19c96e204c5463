"""The command line: `grome run | serve | worker | migrate | seed | jobs | ledger | audit | doctor | …`."""

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec
import orjson
from pymongo.errors import PyMongoError
from rich.console import Console
from rich.table import Table

from config.loading import load_settings
from config.settings import Settings, SettingsError
from grome.accounts.service import AccountService
from grome.app import document, live_document
from grome.cli.audit_commands import audit
from grome.cli.bootstrap import load_connected_settings, needs_local_stripe, opened_container
from grome.cli.doctor import examine
from grome.cli.job_commands import jobs
from grome.cli.ledger_commands import ledger
from grome.cli.run import serve_as_child, stop_on_signals
from grome.cli.serving import require_free_port
from grome.cli.serving import serve as serve_http
from grome.common.errors import ApiError
from grome.dev.embedded import CannotStart, EmbeddedServers, embedded_servers
from grome.factors.service import FactorService
from grome.infrastructure import migrations
from grome.infrastructure.made_keys import with_made_keys
from grome.migrations import MIGRATIONS
from workers.runner import run_worker

if TYPE_CHECKING:  # its cities come with the extra `demo` only
    from grome.dev.demo.seed import SeedSize

console = Console(highlight=False)
EXIT_USAGE = 2


def main() -> None:
    """Run the command line. An error outside the code is reported in one sentence, with exit code 2."""
    try:
        cli(standalone_mode=False)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as fault:
        fault.show()
        sys.exit(EXIT_USAGE)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(130)
    except Exception as error:
        sentences = _user_messages(error)
        if not sentences:
            raise
        for sentence in sentences:
            click.echo(f"grome: {sentence}", err=True)
        sys.exit(EXIT_USAGE)


def _user_messages(error: Exception) -> list[str]:
    """Return sentences about an error outside the code; an empty list for any other error."""
    match error:
        case SettingsError(faults=faults):
            return faults
        case CannotStart() | ApiError():
            return [str(error)]
        case PyMongoError():
            return [f"MongoDB does not answer as expected ({type(error).__name__}); is GROME_MONGO_URL right?"]
        case _:
            return []


@click.group()
@click.version_option(package_name="grome")
def cli() -> None:
    """Grome, the backend of a barbershop-booking platform."""


@cli.command()
def run() -> None:
    """Start everything on this machine: MongoDB, Valkey, demo data, API and job worker."""
    settings = load_settings(os.environ)
    home = Path(settings.home)
    stop_on_signals()
    with embedded_servers(
        home,
        mongo_port=settings.mongo.port or None,
        redis_port=settings.redis.port or None,
        need_mongo=not settings.mongo.url,
        need_redis=not settings.redis.url,
        stripe_webhook_url=f"{_base_url(settings)}/v1/stripe/webhook" if needs_local_stripe(settings) else None,
        stripe_port=settings.stripe.port or None,
    ) as servers:
        require_free_port(settings.http.host, settings.http.port)  # after the processes of a killed run were ended
        settings = _with_servers(settings, servers)
        settings = with_made_keys(settings, home)
        console.print(f"Data, keys and logs are kept in {home.resolve()}")
        asyncio.run(_prepare(settings, demo=True))
        sys.exit(serve_as_child(_environment(settings)))


@cli.command()
@click.option("--demo", is_flag=True, help="Also print the demo accounts.")
def serve(*, demo: bool) -> None:
    """Serve the API and its job workers on GROME_MONGO_URL and GROME_REDIS_URL."""
    settings = load_connected_settings()
    require_free_port(settings.http.host, settings.http.port)
    asyncio.run(_prepare(settings, demo=False))
    serve_http(settings, _banner(settings, demo=demo))


@cli.command()
def worker() -> None:
    """Run one job worker without the API."""
    run_worker(load_connected_settings())


@cli.command()
@click.option("--list", "only_list", is_flag=True, help="Show applied and pending migrations; change nothing.")
def migrate(*, only_list: bool) -> None:
    """Bring the database's collections, validators and indexes up to date."""
    asyncio.run(
        _list_migrations(load_connected_settings()) if only_list else _prepare(load_connected_settings(), demo=False)
    )


@cli.command()
@click.option("--city", "cities", multiple=True, help="A real city; may be repeated. [default: five]")
@click.option("--barbers", default=150, show_default=True, type=click.IntRange(min=0), help="In each city.")
@click.option("--customers", default=50, show_default=True, type=click.IntRange(min=0), help="In all.")
@click.option("--random-seed", default=1, show_default=True, help="The same seed makes the same demo.")
def seed(cities: tuple[str, ...], barbers: int, customers: int, random_seed: int) -> None:
    """Add demo barbers and customers in real cities; existing data stays unchanged."""
    from grome.dev.demo.seed import DEFAULT_CITIES, SeedSize  # noqa: PLC0415 -- cities come with the extra `demo` only

    size = SeedSize(
        cities=cities or DEFAULT_CITIES, barbers_per_city=barbers, customers=customers, random_seed=random_seed
    )
    asyncio.run(_seed(load_connected_settings(), size))


@cli.command()
@click.option("--url", default="http://127.0.0.1:8000", show_default=True, help="Where Grome runs.")
@click.option("--city", default="Berlin", show_default=True, help="A city with demo data.")
def demo(url: str, city: str) -> None:
    """Run a booking from search to completion against a running Grome, and check every response."""
    from grome.dev.demo.scenario import run_scenario  # noqa: PLC0415 -- as above

    sys.exit(run_scenario(url, city, console))


@cli.command("create-admin")
@click.option("--email", required=True)
@click.option("--name", required=True)
@click.password_option(envvar="GROME_NEW_PASSWORD", help="Prompted for, or read from GROME_NEW_PASSWORD.")
def create_admin(email: str, name: str, password: str) -> None:
    """Create an admin account, which no route can do."""
    asyncio.run(_create_admin(load_connected_settings(), email, name, password))


@cli.command("reset-factors")
@click.option("--email", required=True)
def reset_factors(email: str) -> None:
    """Remove the second factors of an account after their loss, and end its sessions.

    The owner is told by mail. Make sure that the request is the owner's before you run this.
    """
    asyncio.run(_reset_factors(load_connected_settings(), email))


cli.add_command(jobs)
cli.add_command(ledger)
cli.add_command(audit)


@cli.command()
def openapi() -> None:
    """Print the OpenAPI document."""
    click.echo(orjson.dumps(document(), option=orjson.OPT_INDENT_2))


@cli.command()
def asyncapi() -> None:
    """Print the AsyncAPI document, which describes live connections."""
    click.echo(orjson.dumps(live_document(), option=orjson.OPT_INDENT_2))


@cli.command()
def doctor() -> None:
    """Show settings and check all dependencies; exit code 2 if a dependency is missing."""
    settings = with_made_keys(load_settings(os.environ), Path(load_settings(os.environ).home))
    sys.exit(0 if examine(settings, console) else EXIT_USAGE)


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


async def _prepare(settings: Settings, *, demo: bool) -> None:
    async with opened_container(settings) as container:
        async for migration in migrations.migrate(container.database, MIGRATIONS, container.clock):
            console.print(f"Migration {migration.number:04} applied: {migration.title}", soft_wrap=True)
        if demo:
            from grome.dev.demo.seed import seed_if_empty  # noqa: PLC0415 -- cities come with the extra `demo` only

            await seed_if_empty(container, console)


async def _seed(settings: Settings, size: "SeedSize") -> None:
    from grome.dev.demo.seed import seed as lay  # noqa: PLC0415 -- as above

    await _prepare(settings, demo=False)
    async with opened_container(settings) as container:
        added = await lay(container, size, console)
    console.print(f"Added {added.services} services, {added.customers} customers and {added.barbers} barbers")


async def _list_migrations(settings: Settings) -> None:
    async with opened_container(settings) as container:
        had = await migrations.applied(container.database)
    table = Table("number", "state", "change")
    for migration in MIGRATIONS:
        table.add_row(f"{migration.number:04}", "applied" if migration.number in had else "to do", migration.title)
    console.print(table)


async def _create_admin(settings: Settings, email: str, name: str, password: str) -> None:
    async with opened_container(settings) as container:
        user = await container.get(AccountService).create_admin(email, name, password)
    console.print(f"Admin {user.email} has the id {user.id}")


async def _reset_factors(settings: Settings, email: str) -> None:
    async with opened_container(settings) as container:
        user = await container.get(AccountService).find_by_email(email)
        if user is None:
            raise click.UsageError("No account has this email.")
        had_factors = await container.get(FactorService).reset(user.id, None)
    console.print(f"Account {user.id} has no second factor {'any more' if had_factors else 'to remove'}")


def _base_url(settings: Settings) -> str:
    return f"http://{settings.http.host}:{settings.http.port}"


def _banner(settings: Settings, *, demo: bool) -> str:
    base = _base_url(settings)
    lines = [
        "",
        f"  API             {base}/v1",
        f"  Documentation   {base}/docs",
        f"  SAQ dashboard   {base}/jobs/",
    ]
    if settings.mail.transport == "folder" and settings.env != "production":
        lines.append(f"  Mailbox         {base}/mailbox/")
    if settings.stripe.url and settings.env != "production":
        lines += [f"  Pay with cards  {base}/pay-demo", f"  Local Stripe    {settings.stripe.url}/"]
    if settings.env != "production":
        lines.append(f"  Visits, live    {base}/live-demo")
    if demo:
        from grome.dev.demo_accounts.models import DEMO_ACCOUNTS, DEMO_PASSWORD  # noqa: PLC0415 -- as above

        lines += [f"  Sign in as      {', '.join(DEMO_ACCOUNTS.values())}", f"  with password   {DEMO_PASSWORD}"]
    return "\n".join([*lines, "", "  Ctrl-C ends everything.", ""])
