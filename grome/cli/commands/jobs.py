"""`grome jobs list | retry | drop`: show stored jobs, and retry or drop them."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Final

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from grome.cli.bootstrap import load_connected_settings, opened_container
from grome.common.errors import ApiError
from grome.infrastructure.jobs.admin import MAX_COUNTED, JobAdmin
from grome.infrastructure.jobs.models import State
from grome.infrastructure.jobs.schemas import JobOut, JobQuery

DECIDED_BY: Final = "the command line"
_BATCH_SIZE: Final = 20
_EXIT_REFUSED: Final = 2
_STATES: Final = [state.value for state in State]
_HEAD: Final = ("id", "kind", "tries", "since", "error")
Decision = Callable[[str, str], Awaitable[JobOut]]

console = Console(highlight=False)


@click.group()
def jobs() -> None:
    """List jobs; retry or drop dead jobs."""


@jobs.command("list")
@click.option(
    "--state", default=State.DEAD.value, show_default=True, type=click.Choice(_STATES), help="Only jobs in this state."
)
@click.option("--kind", help="Only jobs of this kind.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1_000), help="Rows, newest first.")
def list_jobs(state: str, kind: str | None, limit: int) -> None:
    """Show jobs in one state, a line each, newest first.

    Times are UTC. In a pipe the columns are separated by tabs: id, kind, tries, since, error. For example:

    grome jobs list --kind mail | cut -f1 | xargs grome jobs retry
    """
    asyncio.run(_list(JobQuery(state=State(state), kind=kind, limit=limit)))


@jobs.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--all", "every", is_flag=True, help="All dead jobs.")
@click.option("--kind", help="With --all: only jobs of this kind.")
def retry(ids: tuple[str, ...], kind: str | None, *, every: bool) -> None:
    """Reset the tries of dead or dropped jobs.

    For example: grome jobs retry --all --kind mail
    """
    if bool(ids) == every or (kind and not every):
        raise click.UsageError("Give the ids of jobs, or --all (optionally with --kind).")
    sys.exit(asyncio.run(_retry(ids, kind)))


@jobs.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
def drop(ids: tuple[str, ...]) -> None:
    """Drop dead or pending jobs, which are then never run."""
    sys.exit(asyncio.run(_drop(ids)))


async def _list(query: JobQuery) -> None:
    async with opened_container(load_connected_settings()) as container:
        page = await container.get(JobAdmin).page(query)
    rows = [_cells(job) for job in page.items]
    is_terminal = sys.stdout.isatty()
    for line in _aligned([_HEAD, *rows]) if is_terminal else map("\t".join, rows):
        click.echo(line)
    if page.next_cursor:
        click.echo("There are more jobs; raise --limit to see them.", err=True)


def _cells(job: JobOut) -> tuple[str, ...]:
    since = job.ended_at or job.created_at
    return job.id, job.kind, str(job.tries), f"{since:%Y-%m-%dT%H:%M:%SZ}", " ".join((job.error or "").split())


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Pad all columns but the last. No cell is cut: a terminal folds a long line, and a copy of it is whole."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        padded = [text.ljust(width) for text, width in zip(row[:-1], widths[:-1], strict=True)]
        yield "  ".join([*padded, row[-1]]).rstrip()


async def _retry(ids: tuple[str, ...], kind: str | None) -> int:
    with _progress() as bars:
        async with opened_container(load_connected_settings()) as container:
            admin = container.get(JobAdmin)
            total = len(ids) or (None if kind else (await admin.figures()).by_state[State.DEAD])
            total = None if total == MAX_COUNTED else total
            return await _decide(bars, "retried", _iter_batches(ids) if ids else admin.dead(kind), total, admin.retry)


async def _drop(ids: tuple[str, ...]) -> int:
    with _progress() as bars:
        async with opened_container(load_connected_settings()) as container:
            return await _decide(bars, "dropped", _iter_batches(ids), len(ids), container.get(JobAdmin).drop)


async def _decide(
    bars: Progress, done: str, batches: AsyncIterator[list[str]], total: int | None, decide: Decision
) -> int:
    """Return the exit code: 2 if an action on a job failed; each failure is reported on standard error."""
    bar = bars.add_task(f"Jobs {done}", total=total)
    refused = decided = 0
    async for batch in batches:
        for answer in await asyncio.gather(*(_refusal_of(decide, job_id) for job_id in batch)):
            if answer:
                click.echo(
                    f"grome: {answer}", file=sys.stderr
                )  # Rich replaces sys.stderr, so the line appears above the bar
            refused += answer is not None
            decided += answer is None
        bars.update(bar, completed=decided + refused)
    bars.update(bar, total=decided + refused)
    bars.stop()
    console.print(f"{decided} jobs {done}")
    return _EXIT_REFUSED if refused else 0


async def _refusal_of(decide: Decision, job_id: str) -> str | None:
    try:
        await decide(DECIDED_BY, job_id)
    except ApiError as refusal:
        return f"{job_id}: {refusal}"
    return None


async def _iter_batches(ids: tuple[str, ...]) -> AsyncIterator[list[str]]:
    for start in range(0, len(ids), _BATCH_SIZE):
        yield list(ids[start : start + _BATCH_SIZE])


def _progress() -> Progress:
    """Build the progress bar. Enter it before logs are set up, so that log lines appear above the bar."""
    return Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=console)
