"""Tables for the terminal and for the README, from the same rows."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table as RichTable

README: Final = Path(__file__).with_name("README.md")


@dataclass(frozen=True, slots=True)
class Table:
    """The first column is text and the others are figures."""

    title: str
    columns: list[str]
    rows: list[list[str]]
    notes: list[str] = field(default_factory=list)

    def markdown(self) -> str:
        rule = ["---", *["---:"] * (len(self.columns) - 1)]
        lines = [f"| {' | '.join(cells)} |" for cells in (self.columns, rule, *self.rows)]
        return "\n".join([f"**{self.title}**", "", *lines, *(f"\n{note}" for note in self.notes)])

    def show(self, console: Console) -> None:
        table = RichTable(title=self.title, title_justify="left", title_style="bold")
        for number, column in enumerate(self.columns):
            table.add_column(column, justify="right" if number else "left", overflow="fold")
        for row in self.rows:
            table.add_row(*row)
        console.print(table)
        for note in self.notes:
            console.print(note, style="dim", markup=False)


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a section. It is not `sound` where something was wrong, other than too slow."""

    tables: list[Table]
    sound: bool = True

    def markdown(self, circumstances: str) -> str:
        return "\n\n".join([*(table.markdown() for table in self.tables), circumstances])


def write(section: str, text: str, readme: Path = README) -> None:
    """Replace the text between the two markers of a section. Raises ValueError if a marker is missing."""
    begin, end = f"<!-- {section}: begin -->", f"<!-- {section}: end -->"
    written, count = re.subn(
        f"{re.escape(begin)}.*?{re.escape(end)}",
        lambda _: f"{begin}\n\n{text}\n\n{end}",
        readme.read_text(),
        flags=re.DOTALL,
    )
    if count != 1:
        raise ValueError(f"{readme.name} has no place for the section {section}")
    readme.write_text(written)
