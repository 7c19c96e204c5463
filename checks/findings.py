"""Findings, and how they are printed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby, islice


@dataclass(frozen=True, order=True)
class Finding:
    rule: str
    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


def listed(findings: Iterable[Finding], limit: int) -> Iterator[str]:
    """Yield the lines of a report: each rule with its number of findings, and the first `limit` of them."""
    for rule, group in groupby(sorted(findings), key=lambda finding: finding.rule):
        found = list(group)
        yield f"\n{rule}: {len(found)}"
        yield from (f"  {finding}" for finding in islice(found, limit))
        if len(found) > limit:
            yield f"  and {len(found) - limit} more"
