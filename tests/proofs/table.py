"""The table of proofs: on the console, and between two markers in docs/operations.md."""

import os
import platform
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from rich.table import Table

from grome.dev.embedded import MONGOD, VALKEY, find_binary, read_version
from tests.proofs.proof import Proof, Result

PAGE: Final = Path(__file__).parents[2] / "docs" / "operations.md"
_BEGIN: Final = "<!-- figures of `make faults`: begin -->"
_END: Final = "<!-- figures of `make faults`: end -->"
_HEAD: Final = ("| proof | bar | measured | holds | day |", "|---|---|---|---|---|")


@dataclass(frozen=True)
class Row:
    proof: Proof
    result: Result
    seconds: float

    @property
    def verdict(self) -> str:
        return "no" if self.result.misses else "yes"

    @property
    def text(self) -> str:
        return "; ".join(self.result.figures or self.result.misses)


def console_table(rows: Sequence[Row]) -> Table:
    table = Table("proof", "bar", "measured", "holds", "s", title="Faults", show_lines=True)
    for row in rows:
        missed = "".join(f"\nmissed: {miss}" for miss in row.result.misses)
        table.add_row(row.proof.name, row.proof.bar, row.text + missed, row.verdict, f"{row.seconds:.0f}")
    return table


def write_rows(rows: Sequence[Row], order: Sequence[str], page: Path = PAGE) -> None:
    """Replace the rows of these proofs between the markers of the page; `order` has the names of all proofs."""
    before, _, rest = page.read_text().partition(_BEGIN)
    old, _, after = rest.partition(_END)
    lines = {line.split("`")[1]: line for line in old.splitlines() if line.startswith("| `")}
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    for row in rows:
        lines[row.proof.name] = f"| `{row.proof.name}` | {row.proof.bar} | {row.text} | {row.verdict} | {day} |"
    table = "\n".join([*_HEAD, *(lines[name] for name in order if name in lines)])
    page.write_text(f"{before}{_BEGIN}\n{_machine()}\n\n{table}\n{_END}{after}")


def _machine() -> str:
    with tempfile.TemporaryDirectory() as folder:
        mongo, valkey = (read_version(program, find_binary(program, Path(folder))) for program in (MONGOD, VALKEY))
    return f"On {os.cpu_count()} cores with Python {platform.python_version()}, MongoDB {mongo} and Valkey {valkey}:"
