"""`make faults`: each fault at its full size, and a table of bars and figures."""

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import click
from rich.console import Console

from tests.proofs import (
    api_worker,
    counts,
    job_workers,
    one_slot,
    payments,
    primaries,
    redis_cluster,
    refreshes,
    restore,
    rolling_restart,
    sockets,
    stop,
    valkey,
)
from tests.proofs.proof import Proof
from tests.proofs.table import Row, console_table, write_rows

PROOFS: Final = {
    module.PROOF.name: module.PROOF
    for module in (
        primaries,
        rolling_restart,
        stop,
        valkey,
        redis_cluster,
        job_workers,
        api_worker,
        one_slot,
        refreshes,
        sockets,
        payments,
        counts,
        restore,
    )
}
console = Console(highlight=False)


def run(proof: Proof) -> Row:
    console.print(f"[bold]{proof.name}[/]: {proof.bar}")
    began = time.monotonic()

    def tell(line: str) -> None:
        console.print(f"  {time.monotonic() - began:5.0f} s  {line}", markup=False)

    with tempfile.TemporaryDirectory(prefix=f"grome-{proof.name}-") as folder:
        result = asyncio.run(proof.result(Path(folder), tell))
    row = Row(proof, result, time.monotonic() - began)
    tell(f"holds: {row.verdict}. {row.text}")
    return row


@click.command()
@click.option("--only", multiple=True, type=click.Choice(list(PROOFS)), help="Only this proof; may be repeated.")
@click.option("--list", "lists", is_flag=True, help="List the proofs and their bars.")
@click.option("--write", is_flag=True, help="Write the figures into docs/operations.md.")
def main(only: tuple[str, ...], *, lists: bool, write: bool) -> None:
    """Try each fault at its full size, and compare the figures with the bars."""
    if lists:
        for proof in PROOFS.values():
            click.echo(f"{proof.name}: {proof.bar}")
        return
    rows = [run(PROOFS[name]) for name in only or PROOFS]
    console.print(console_table(rows))
    if write:
        write_rows(rows, list(PROOFS))
    sys.exit(any(row.result.misses for row in rows))


if __name__ == "__main__":
    main()
