"""`grome serve`, `grome worker` and `grome relay`: the processes on servers of your own."""

import asyncio

import click
from rich.console import Console

from config.settings import Settings
from grome.cli.banner import banner
from grome.cli.bootstrap import load_connected_settings
from grome.cli.preparation import migrate_database, require_migrated
from grome.cli.serving import require_free_port
from grome.cli.serving import serve as serve_http
from workers.runner import run_relay, run_worker

console = Console(highlight=False)


@click.command()
@click.option("--demo", is_flag=True, help="Also print the demo accounts.")
def serve(*, demo: bool) -> None:
    """Serve the API and its job workers on your own MongoDB and Valkey.

    GROME_MONGO_URL and GROME_REDIS_URL name them; missing migrations are applied first. For example:

    GROME_MONGO_URL='mongodb://db1,db2/?replicaSet=rs0' GROME_REDIS_URL=redis://cache grome serve
    """
    settings = load_connected_settings()
    require_free_port(settings.http.host, settings.http.port)
    asyncio.run(migrate_database(settings, console))
    serve_http(settings, banner(settings, demo=demo))


@click.command()
def worker() -> None:
    """Run one job worker without the API.

    For a machine of its own; set GROME_JOBS_WORKERS=0 where the API runs.
    """
    run_worker(_settings_of_a_role())


@click.command()
def relay() -> None:
    """Run the relay of events alone, without jobs.

    Two of them are enough: one leads, and the other takes over within five seconds. Set GROME_JOBS_RELAY=false where
    job workers run.
    """
    run_relay(_settings_of_a_role())


def _settings_of_a_role() -> Settings:
    settings = load_connected_settings()
    if settings.jobs.http_port:
        require_free_port(settings.http.host, settings.jobs.http_port, "GROME_JOBS_HTTP_PORT")
    asyncio.run(require_migrated(settings))
    return settings
