"""The command `python -m benchmarks.scale`: calculate a platform of given sizes from the measured figures."""

from collections.abc import Callable
from typing import Any, TypeVar

import click
import msgspec
from rich.console import Console

from benchmarks.report import write
from benchmarks.scale.assumptions import Assumptions, Prices
from benchmarks.scale.estimate import estimate
from benchmarks.scale.measured import load_measured
from benchmarks.scale.page import PAGE, assumptions_table, option, tables
from benchmarks.scale.rates import Rates
from grome.infrastructure.http.field_texts import field_texts

Command = TypeVar("Command", bound=Callable[..., Any])


def _options(struct: type[msgspec.Struct], prefix: str = "") -> Callable[[Command], Command]:
    """Add an option for each field of the Struct."""
    texts = field_texts(struct)

    def add(command: Command) -> Command:
        for field in reversed(msgspec.structs.fields(struct)):
            kind = int if field.type is int else float
            name = f"--{prefix}{option(field.name)[2:]}"
            help_text = f"{texts[field.name][0].upper()}{texts[field.name][1:]}."
            has_value = field.default is not None
            command = click.option(name, default=field.default, type=kind, show_default=has_value, help=help_text)(
                command
            )
        return command

    return add


@click.command()
@click.option("--users", "sizes", multiple=True, type=float, default=(200_000, 10_000_000), show_default=True)
@_options(Assumptions)
@_options(Prices, prefix="price-")
@click.option("--write", "to_page", is_flag=True, help="Put the tables into docs/scale.md.")
def main(sizes: tuple[float, ...], *, to_page: bool, **options: Any) -> None:  # noqa: ANN401 -- fields of two Structs
    """Print rates, sizes, machines and amounts for platforms of the sizes of --users, which may be given repeatedly."""
    measured, rates, console = load_measured(), Rates.from_readme(), Console(highlight=False, width=140)
    given = msgspec.convert({name: options[name] for name in Assumptions.__struct_fields__}, Assumptions)
    prices = msgspec.convert({name: options[f"price_{name}"] for name in Prices.__struct_fields__}, Prices)
    found = [estimate(users, measured, rates, given) for users in sizes]
    shown = [assumptions_table(given), *tables(found, measured, rates, given, prices)]
    for table in shown:
        table.show(console)
    if to_page:
        write("estimate", "\n\n".join(table.markdown() for table in shown), PAGE)


if __name__ == "__main__":
    main()
