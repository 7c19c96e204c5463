"""Run the soak test: `python -m tests.soak` or `make soak`."""

import asyncio
import sys
import tempfile
from pathlib import Path

import click
from rich.console import Console

from tests.soak.run import soak


@click.command()
@click.option(
    "--seconds", default=1200, show_default=True, type=click.IntRange(min=5), help="Duration of the hostile load."
)
@click.option(
    "--quiet",
    default=20,
    show_default=True,
    type=click.IntRange(min=2),
    help="Seconds without hostile load before and after.",
)
def main(seconds: int, quiet: int) -> None:
    """Run hostile accounts, and compare the latencies of honest accounts before and after."""
    console = Console()
    with tempfile.TemporaryDirectory(prefix="grome-soak-") as folder, console.status("starting") as status:
        outcome = asyncio.run(soak(Path(folder), seconds, quiet, status.update))
    for table in outcome.tables():
        console.print(table)
    faults = outcome.slower() + outcome.faults()
    console.print("\n".join(faults) if faults else "As before: latency, memory, relay and jobs of honest accounts.")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
