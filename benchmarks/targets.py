"""The target figures, each beside the measured figure."""

from dataclasses import dataclass

from benchmarks.report import Table
from benchmarks.rounds import NOT_COUNTED, Spread


@dataclass(frozen=True, slots=True)
class Target:
    """`found` is None where the machine cannot tell. The median decides; without a bound nothing is decided."""

    what: str
    found: Spread | None
    least: float | None = None
    most: float | None = None
    digits: int = 2

    def row(self) -> list[str]:
        found = self.found.text(self.digits) if self.found else NOT_COUNTED
        return [self.what, found, self._bound(), self._reached()]

    def _bound(self) -> str:
        if self.least is not None:
            return f"≥ {self.least:g}"
        return f"≤ {self.most:g}" if self.most is not None else ""

    def _reached(self) -> str:
        if self.found is None or (self.least is None and self.most is None):
            return ""
        enough = self.least is None or self.found.median >= self.least
        little = self.most is None or self.found.median <= self.most
        return "yes" if enough and little else "NO"


def targets_table(title: str, targets: list[Target]) -> Table:
    return Table(title, ["", "median (min to max)", "target", "reached"], [target.row() for target in targets])
