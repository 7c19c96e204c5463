"""Upgrade from an earlier release under load: `python -m tests.upgrade` or `make upgrade`."""

import asyncio
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.table import Table

from tests.upgrade.release import check_out, oldest_release
from tests.upgrade.rollout import Outcome, upgrade

_SHOWN: Final = 8
_TERMINATED: Final = 128 + signal.SIGTERM
console = Console(highlight=False)


@click.command()
@click.option(
    "--from", "ref", default=oldest_release, help="Tag or commit to upgrade from. [default: the oldest release]"
)
@click.option("--seconds", default=20, show_default=True, type=click.IntRange(min=1), help="Duration of each phase.")
@click.option("--pairs", default=6, show_default=True, type=click.IntRange(min=1), help="Barbers with a customer each.")
@click.option("--keep-logs", type=click.Path(path_type=Path), help="Folder for the logs of both releases.")
def main(ref: str, seconds: int, pairs: int, keep_logs: Path | None) -> None:
    """Run both releases on one database under load; exit code 1 if anything is wrong."""
    began = time.monotonic()

    def say(line: str) -> None:
        console.print(f"{time.monotonic() - began:3.0f} s  {line}", style="dim")

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(_TERMINATED))  # every process is ended on the way out
    release = check_out(ref, say)
    with tempfile.TemporaryDirectory(prefix="grome-upgrade-") as folder:
        home = Path(folder)
        try:
            outcome = asyncio.run(upgrade(release, home, seconds, pairs, say))
        finally:
            if keep_logs:
                keep_logs.mkdir(parents=True, exist_ok=True)
                for log in home.glob("*.log"):
                    shutil.copy(log, keep_logs)
    _print(outcome)
    wrong = outcome.fleet.failures or any(finding.wrong for finding in outcome.findings)
    sys.exit(1 if wrong else 0)


def _print(outcome: Outcome) -> None:
    release, fleet = outcome.release, outcome.fleet
    table = Table(
        "phase", "old: requests", "slowest", "this: requests", "slowest", title=f"Upgrade from {release.name}"
    )
    phases = dict.fromkeys(phase for side in outcome.sides.values() for phase in side.requests)
    for phase in phases:
        cells = []
        for side in outcome.sides.values():
            requests = side.requests[phase]
            cells += [f"{requests:,}", f"{side.slowest_s[phase] * 1000:,.0f} ms"] if requests else ["", ""]
        table.add_row(phase, *cells)
    console.print(table)
    console.print(
        f"{outcome.migrated_s:.1f} s until this release was ready, with {release.migrations} migrations before it"
    )
    console.print("Stories: " + ", ".join(f"{name} {count}" for name, count in outcome.told.items()))
    for kind, count in fleet.expected.items():
        console.print(f"Announced in docs/operations/restarts.md: {count:,} times {kind.value}")
    checks = Table("check", "wrong")
    checks.add_row(
        f"requests that failed, of {sum(side.requests.total() for side in outcome.sides.values()):,}",
        str(len(fleet.failures)),
    )
    for finding in outcome.findings:
        checks.add_row(finding.what, str(len(finding.wrong)))
    console.print(checks)
    for sentence in fleet.failures[:_SHOWN]:
        console.print(sentence, markup=False, soft_wrap=True)
    for finding in outcome.findings:
        for case in finding.wrong[:_SHOWN]:
            console.print(f"{finding.what}: {case}", markup=False, soft_wrap=True)


if __name__ == "__main__":
    main()
