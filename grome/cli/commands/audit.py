"""`grome audit verify`: check the audit trail."""

import asyncio
import sys
from datetime import datetime
from typing import Final

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from grome.audit.verifier import AuditVerifier, Verification
from grome.cli.bootstrap import load_connected_settings, opened_container
from grome.cli.seal_option import SEAL
from grome.common.errors import NotFound

_EXIT_FLAWED: Final = 1

console = Console(highlight=False)


@click.group()
def audit() -> None:
    """Verify the audit trail."""


@audit.command()
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="Only the records of a day in UTC.")
@click.option("--expect", type=SEAL, help="The end of the trail as an earlier verification printed it.")
def verify(day: datetime | None, expect: tuple[int, bytes] | None) -> None:
    """Recompute the chain and compare it with the signed heads; exit code 1 with the first broken record."""
    sys.exit(asyncio.run(_verify(f"{day:%Y-%m-%d}" if day else None, expect)))


async def _verify(day: str | None, noted: tuple[int, bytes] | None) -> int:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console) as bars:
        bar = bars.add_task("Records verified", total=None)
        async with opened_container(load_connected_settings()) as container:
            try:
                result = await container.get(AuditVerifier).verify(
                    lambda done, total: bars.update(bar, completed=done, total=total), day=day, noted=noted
                )
            except NotFound as error:
                raise click.ClickException(str(error)) from None
    for finding in result.findings:
        console.print(Text(f"{finding.flaw.value}: {finding.detail}"), soft_wrap=True)
    console.print(_summary(result), soft_wrap=True)
    return _EXIT_FLAWED if result.flaws else 0


def _summary(result: Verification) -> Text:
    found = f"{result.flaws} flaws" if result.flaws else "no flaws"
    end = f"{result.end.seq}:{result.end.hash.hex()}"
    return Text(
        f"{result.records} records, {result.unsigned} of them after the last signed head, and {result.earlier} from"
        f" before the chain: {found}. End {end}"
    )
