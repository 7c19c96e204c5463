"""The command `make bench`."""

import sys
from collections.abc import Callable
from typing import Final

import click
from rich.console import Console

from benchmarks.bench import Bench, Options, opened
from benchmarks.load import LoadFailed
from benchmarks.machine import circumstances
from benchmarks.report import Report, write
from benchmarks.sections import (
    availability,
    contention,
    create,
    effects,
    freshness,
    growth,
    ledger,
    live,
    memory,
    metrics_overhead,
    nearby,
    outbox,
    payments,
    sign_in_storm,
    sizes,
    sockets,
)
from benchmarks.stopping import stop_at_signals
from grome.cli.run import StopRequested
from grome.dev.embedded import CannotStart

SECTIONS: Final[dict[str, Callable[[Bench], Report]]] = {
    "nearby": nearby.run,
    "metrics_overhead": metrics_overhead.run,
    "create": create.run,
    "availability": availability.run,
    "memory": memory.run,
    "freshness": freshness.run,
    "contention": contention.run,
    "effects": effects.run,
    "ledger": ledger.run,
    "payments": payments.run,
    "sign_in_storm": sign_in_storm.run,
    "sockets": sockets.run,
    "live": live.run,
    "sizes": sizes.run,
    "outbox": outbox.run,
    "growth": growth.run,
}
_LONG: Final = frozenset({"growth", "sizes", "outbox"})
USUAL: Final = [name for name in SECTIONS if name not in _LONG]
console = Console(highlight=False, width=140)


@click.command()
@click.argument("sections", nargs=-1, type=click.Choice([*SECTIONS, "all"]))
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(min=1), help="Of each contender.")
@click.option("--seconds", default=3, show_default=True, type=click.IntRange(min=1), help="That a round lasts.")
@click.option("--freshness-seconds", "freshness_s", default=60, show_default=True, type=click.IntRange(min=1))
@click.option("--effects-seconds", "effects_s", default=30, show_default=True, type=click.IntRange(min=1))
@click.option("--largest", default=1_000_000, show_default=True, type=click.IntRange(min=20_000), help="In growth.")
@click.option("--ledger-entries", default=50_000, show_default=True, type=click.IntRange(min=2), help="To verify.")
@click.option("--sockets", default=5_000, show_default=True, type=click.IntRange(min=1_000), help="Live connections.")
@click.option("--visits", default=100, show_default=True, type=click.IntRange(min=10), help="In sizes.")
@click.option("--write", "to_readme", is_flag=True, help="Put the tables into benchmarks/README.md.")
def main(sections: tuple[str, ...], *, to_readme: bool, **options: int) -> None:
    """Measure Grome beside its floors and a peer: all SECTIONS that do not take long, unless some are named.

    Exits with 1 where an answer was wrong, not where one was slow.
    """
    chosen = list(SECTIONS) if "all" in sections else [name for name in SECTIONS if name in (sections or USUAL)]
    stop_at_signals()
    with opened(console, Options(**options)) as bench:
        reports = {name: _report(bench, name, to_readme=to_readme) for name in chosen}
    sys.exit(0 if all(report.sound for report in reports.values()) else 1)


def _report(bench: Bench, name: str, *, to_readme: bool) -> Report:
    console.rule(name)
    report = SECTIONS[name](bench)
    for table in report.tables:
        table.show(console)
    told = circumstances(bench)
    console.print(told, style="dim", markup=False)
    if to_readme:
        write(name, report.markdown(told))
    return report


if __name__ == "__main__":
    try:
        main()
    except StopRequested:
        sys.exit(130)
    except (LoadFailed, CannotStart) as fault:
        console.print(f"bench: {fault}", style="red", markup=False)
        sys.exit(1)
