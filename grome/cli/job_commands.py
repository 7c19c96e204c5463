"""`grome jobs list | retry | drop`: what is stored of jobs, and what an operator decides about them."""

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from grome.cli.bootstrap import load_connected_settings, opened_container
from grome.common.errors import ApiError
from grome.infrastructure.jobs.admin import MAX_COUNTED, JobAdmin
from grome.infrastructure.jobs.models import State
from grome.infrastructure.jobs.schemas import JobOut, JobPage, JobQuery

DECIDED_BY: Final = "the command line"
_BATCH_SIZE: Final = 20
_EXIT_REFUSED: Final = 2
_STATES: Final = [state.value for state in State]
Decision = Callable[[str, str], Awaitable[JobOut]]

console = Console(highlight=False)


@click.group()
def jobs() -> None:
    """Look at jobs; retry or drop those that are dead."""


@jobs.command("list")
@click.option("--state", default=State.DEAD.value, show_default=True, type=click.Choice(_STATES))
@click.option("--kind", help="Of this kind only.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1_000), help="Rows, newest first.")
def list_jobs(state: str, kind: str | None, limit: int) -> None:
    """Show jobs in one state, newest first."""
    asyncio.run(_list(JobQuery(state=State(state), kind=kind, limit=limit)))


@jobs.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--all", "every", is_flag=True, help="All that are dead.")
@click.option("--kind", help="With --all: of this kind only.")
def retry(ids: tuple[str, ...], kind: str | None, *, every: bool) -> None:
    """Give dead or dropped jobs all their tries anew."""
    if bool(ids) == every or (kind and not every):
        raise click.UsageError("Name the jobs, or say --all (and perhaps --kind).")
    sys.exit(asyncio.run(_retry(ids, kind)))


@jobs.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
def drop(ids: tuple[str, ...]) -> None:
    """Decide that jobs which are dead or pending need not be done."""
    sys.exit(asyncio.run(_drop(ids)))


async def _list(query: JobQuery) -> None:
    async with opened_container(load_connected_settings()) as container:
        page = await container.get(JobAdmin).page(query)
    console.print(_table(query, page))
    if page.next_cursor:
        console.print("There are more; ask for them by --limit.")


def _table(query: JobQuery, page: JobPage) -> Table:
    table = Table(title=f"Jobs that are {query.state.value}")
    for name in ("id", "kind", "tries", "since", "error"):
        table.add_column(name, overflow="fold", justify="right" if name == "tries" else "left")
    for job in page.items:
        since = job.ended_at or job.created_at
        words = (job.id, job.kind, str(job.tries), f"{since:%Y-%m-%d %H:%M:%S}", job.error or "")
        table.add_row(*(Text(word) for word in words))  # an error may hold what Rich takes for markup
    return table


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
    """The exit code: 2 where some job was refused, each with a sentence on standard error."""
    bar = bars.add_task(f"Jobs {done}", total=total)
    refused = decided = 0
    async for batch in batches:
        for answer in await asyncio.gather(*(_refusal_of(decide, job_id) for job_id in batch)):
            if answer:
                click.echo(f"grome: {answer}", file=sys.stderr)  # Rich's while the bar is shown: past it
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
    """To be entered before logs are set up: their lines then go past the bar instead of through it."""
    return Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=console)
