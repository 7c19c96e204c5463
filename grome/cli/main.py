"""The command line: `grome run | serve | worker | migrate | seed | jobs | ledger | audit | backup | doctor | …`."""

import gc
import sys
from typing import Final

import click

from grome.cli.lazy_group import LazyGroup, lazy_commands

# Imports leave no garbage, and searching for some takes a sixth of their time. LazyCommand turns this on again once a
# command is loaded; processes of the API and job workers, which import this module first, once they have started.
gc.disable()

# Exit codes; docs/operations.md explains them.
EXIT_FAULT: Final = 2
EXIT_INTERRUPTED: Final = 130

_COMMANDS: Final = {
    "run": ("run:run", "Start everything on this machine: MongoDB, Valkey, demo data, API and job worker."),
    "serve": ("serve:serve", "Serve the API and its job workers on your own MongoDB and Valkey."),
    "worker": ("serve:worker", "Run one job worker without the API."),
    "relay": ("serve:relay", "Run the relay of events alone, without jobs."),
    "doctor": ("doctor:doctor", "Check settings and servers, and name each fault."),
    "demo": ("demo:demo", "Drive a running Grome from the search to the finished haircut."),
    "seed": ("demo:seed", "Add demo barbers and customers in real cities."),
    "migrate": ("migrate:migrate", "Bring the database up to date."),
    "prepare-shards": ("migrate:prepare_shards", "Change the indexes of bookings, so that these can be sharded."),
    "backup": ("backup:backup", "Write the database and the stored files into a folder."),
    "restore": ("backup:restore", "Restore a backup into an empty database."),
    "create-admin": ("accounts:create_admin", "Create an admin account, which no route can do."),
    "reset-factors": ("accounts:reset_factors", "Remove the lost second factors of an account."),
    "jobs": ("jobs:jobs", "List jobs; retry or drop dead jobs."),
    "ledger": ("ledger:ledger", "Verify, print and export the ledger."),
    "audit": ("audit:audit", "Verify the audit trail."),
    "openapi": ("documents:openapi", "Print the OpenAPI document."),
    "asyncapi": ("documents:asyncapi", "Print the AsyncAPI document, which describes live connections."),
}


class _OrderedGroup(LazyGroup):
    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Return the commands in the order of the table, a newcomer's first."""
        return list(self.commands)


@click.group(cls=_OrderedGroup, commands=lazy_commands(_COMMANDS, "grome.cli.commands"))
@click.version_option(package_name="grome", message="grome %(version)s")
def cli() -> None:
    """Grome, the backend of a barbershop-booking platform.

    `grome run` starts everything on this machine, with demo data. `grome doctor` shows the settings and names
    each fault. Settings are environment variables that begin with GROME_.
    """


def main() -> None:
    """Run the command line. An error outside the code is reported in one sentence, with exit code 2."""
    try:
        cli(standalone_mode=False)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as fault:
        fault.show()
        sys.exit(EXIT_FAULT)
    except (KeyboardInterrupt, click.Abort):
        sys.exit(EXIT_INTERRUPTED)
    except Exception as error:
        from grome.cli.faults import sentences_of  # noqa: PLC0415 -- imports the drivers, which `--help` need not wait for

        sentences = sentences_of(error)
        if not sentences:
            raise
        for sentence in sentences:
            click.echo(f"grome: {sentence}", err=True)
        sys.exit(EXIT_FAULT)
