"""Find modules of tests that have the same base name. pytest refuses the second in folders that are no packages."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from checks.findings import Finding
from checks.tree import ROOT

_RULE: Final = "two test modules of one name"


def against_unique_names(root: Path = ROOT) -> Iterator[Finding]:
    """Yield each module `test_*.py` under tests/ that has the name of a module before it."""
    first: dict[str, str] = {}
    for path in sorted((root / "tests").rglob("test_*.py")):
        here = str(path.relative_to(root))
        if (there := first.setdefault(path.name, here)) != here:
            yield Finding(_RULE, here, 1, f"the name is taken by {there}")
